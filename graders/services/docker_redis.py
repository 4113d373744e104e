"""Redis in containers of the grade's own: a whole server for each submission."""

import contextlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from graders.sandbox import Network
from graders.services.docker_containers import ServiceContainers, Started
from graders.services.redis import RIGHTS, RedisDatabase

PORT, USER = 6379, "lab"
NOBODY = "65534:65534"  # images name the account of Redis differently, and it needs none
MEMORY_BYTES, WRITES = 512 << 20, {"/data": 1 << 20}
START_TIMEOUT_S, POLL_S, PROBE_S = 30.0, 0.02, 2.0
OPTIONS = (
    *("--save", "", "--appendonly", "no", "--maxmemory", "256mb", "--maxclients", "200"),
    *("--client-output-buffer-limit", "normal", "64mb", "32mb", "10"),
    *("--client-query-buffer-limit", "64mb"),
)


class DockerRedis:
    """Gives each submission a server nobody else uses.

    A container takes longer to start than a check, so a server that is free again is emptied and
    used again; it is as new: no keys, scripts, users, connections or counts.
    """

    def __init__(self, containers: ServiceContainers, network: Network) -> None:
        self._containers, self._network = containers, network
        self._password = secrets.token_hex(16)
        first = self._start()
        self._free = [first]
        with self._client(first) as client:
            version = cast(dict[str, Any], client.info("server"))["redis_version"]
        self.description = f"Redis {version} docker ({first.image})"

    @contextmanager
    def provision(self) -> Iterator[RedisDatabase]:
        """Give an empty server; what was done to it is undone afterwards."""
        server = self._free.pop() if self._free else self._start()
        password = secrets.token_hex(16)
        with self._client(server, decode_responses=True) as client:
            client.execute_command("ACL", "SETUSER", USER, "on", f">{password}", *RIGHTS.split())
            try:
                yield RedisDatabase(client, server.host, server.port, self._network, USER, password)
            finally:
                with contextlib.suppress(redis.RedisError):  # a broken one is not used again
                    _renew(client)
                    self._free.append(server)

    def require_within_limits(self) -> None:
        """Do nothing: it forgets rather than take more, and a broken one is not used again."""

    def _start(self) -> Started:
        command = ["redis-server", *OPTIONS, "--requirepass", self._password]
        server = self._containers.start(
            *("redis", command, {}, PORT), user=NOBODY, memory_bytes=MEMORY_BYTES, writes=WRITES
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers(server):
            server.require_running()
            if time.monotonic() > deadline:
                server.give_up(START_TIMEOUT_S)
            time.sleep(POLL_S)
        return server

    def _client(self, server: Started, **options: Any) -> redis.Redis:
        return redis.Redis(host=server.host, port=server.port, password=self._password, **options)

    def _answers(self, server: Started) -> bool:
        options = {"socket_timeout": PROBE_S, "retry": Retry(NoBackoff(), 0)}
        with (
            self._client(server, **options) as probe,
            contextlib.suppress(redis.BusyLoadingError, redis.ConnectionError, redis.TimeoutError),
        ):
            return bool(probe.ping())
        return False


def _renew(client: redis.Redis) -> None:
    client.acl_deluser(USER)  # closes its connections, too
    client.flushall()
    client.script_flush()
    if hasattr(client, "function_flush"):
        with contextlib.suppress(redis.ResponseError):  # Redis 6 has no functions
            client.function_flush()
    client.config_resetstat()
