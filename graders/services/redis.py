"""Redis: one server of its own for each submission when embedded, a logical database when not."""

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from graders.errors import MachineError
from graders.processes import Supervised
from graders.sandbox import Network
from graders.services.binaries import redis_server, version

START_TIMEOUT_S, PROBE_S, ANSWER_S = 10.0, 0.5, 5.0
PORT_ATTEMPTS = 3
RIGHTS = "~* &* +@all -@admin"  # no CONFIG, SHUTDOWN, DEBUG, ACL, MONITOR, REPLICAOF


@dataclass(frozen=True)
class RedisDatabase:
    """A submission's own Redis, seen with the administrator's eyes through `client`."""

    client: redis.Redis
    host: str
    port: int
    network: Network
    user: str
    password: str
    number: int = 0
    variable: str = field(default="REDIS_URL")

    def url(self, host: str, port: int) -> str:
        """Return the address for the submission, with its own user; no admin commands."""
        return f"redis://{self.user}:{self.password}@{host}:{port}/{self.number}"

    def flush(self) -> None:
        """Forget every key."""
        self.client.flushdb()

    def commands(self) -> int:
        """Return how many commands the server has processed since it started."""
        return cast(
            int, cast(dict[str, object], self.client.info("stats"))["total_commands_processed"]
        )


def take_back(client: redis.Redis, user: str) -> None:
    """Empty the logical database a user was given, then remove the user."""
    found = cast(dict[str, object] | None, client.acl_getuser(user))
    if found and found["enabled"]:
        client.acl_setuser(user, enabled=True, reset_passwords=True)  # nobody comes back
        client.client_kill_filter(user=user)
        client.flushdb()
    client.acl_deluser(user)


@dataclass(frozen=True)
class Administration:
    """The way in to a server for the grader alone."""

    socket: Path
    password: str

    def client(self, timeout_s: float, **options: Any) -> redis.Redis:
        """Return a client with all rights; it asks once."""
        return redis.Redis(
            unix_socket_path=str(self.socket),
            password=self.password,
            socket_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            **options,
        )


class EmbeddedRedis:
    """Starts a server of its own for each submission: 5 ms, and nothing shared.

    The administrator comes over a Unix socket, which submissions in a sandbox don't see, and with a
    password of its own.
    """

    def __init__(self, folder: Path, network: Network) -> None:
        self.folder, self.network = folder, network
        self.description = f"Redis {version(redis_server()).split('v=')[-1].split()[0]} embedded"

    def require_within_limits(self) -> None:
        """Do nothing: the sandbox watches what its services take."""

    @contextmanager
    def provision(self) -> Iterator[RedisDatabase]:
        """Start a server; it is gone afterwards."""
        for attempt in range(PORT_ATTEMPTS):
            password, port = secrets.token_hex(16), self.network.free_port()
            server = Administration(self.folder / f"redis-{port}.socket", secrets.token_hex(16))
            with self._start(server, password, port) as process:
                self.network.started(process)
                if _ready(process, server):
                    with server.client(ANSWER_S, decode_responses=True) as client:
                        client.ping()  # this connection is kept, whatever a submission takes
                        yield RedisDatabase(
                            client, "127.0.0.1", port, self.network, "lab", password
                        )
                    return
            if attempt == PORT_ATTEMPTS - 1:
                raise MachineError(
                    "Redis did not start.", "Read its last lines below.", process.log_tail()
                )

    def _start(self, server: Administration, password: str, port: int) -> Supervised:
        config = server.socket.with_suffix(".conf")
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"unixsocket {server.socket}\nunixsocketperm 700\n"
            'save ""\nappendonly no\nmaxmemory 256mb\nmaxclients 200\n'
            "client-output-buffer-limit normal 64mb 32mb 10\nclient-query-buffer-limit 64mb\n"
            f"user default on >{server.password} ~* &* +@all\nuser lab on >{password} {RIGHTS}\n"
        )
        config.chmod(0o600)
        return Supervised(
            [*self.network.join, str(redis_server()), str(config)],
            env={"PATH": os.environ.get("PATH", os.defpath)},
            cwd=self.folder,
            log=config.with_suffix(".log"),
            stop_signal=signal.SIGKILL,  # nothing to save
        )


def _ready(process: Supervised, server: Administration) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    with server.client(PROBE_S) as probe:
        while time.monotonic() < deadline and process.exit_code(0.005) is None:
            with contextlib.suppress(
                redis.BusyLoadingError, redis.ConnectionError, redis.TimeoutError
            ):
                return bool(probe.ping())
    return False
