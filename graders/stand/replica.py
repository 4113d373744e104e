"""One running process of a submission: started, awaited, killed, paused, restarted."""

import dataclasses
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from graders.client import Call, Client
from graders.errors import SubmissionError
from graders.processes import Supervised
from graders.sandbox import Network, Workplace
from graders.stand.requests import Requests

PORT_ATTEMPTS = 3
POLL_S, LAST_ANSWER_S = 0.02, 1.0
GRACE_S = 3.0


@dataclass(frozen=True)
class Launch:
    """How a process of a submission is started; `{port}` in the command is filled in.

    Without a `port` any free one is taken.
    """

    name: str
    command: tuple[str, ...]
    place: Workplace
    network: Network
    env: Mapping[str, str]
    ready: str
    ready_timeout_s: float
    log_folder: Path
    port: int | None = None

    def elsewhere(self) -> "Launch":
        """Return how to start one more of it: on any free port."""
        return dataclasses.replace(self, port=None)


class Replica(Requests):
    """A process of a submission that serves HTTP; ready once the constructor returns."""

    def __init__(self, launch: Launch, client: Client) -> None:
        self.launch = launch
        self.client = client
        self._fixed_port = launch.port
        self._start()

    @property
    def base_url(self) -> str:  # type: ignore[override]
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """SIGKILL it with all its descendants, as when a machine dies."""
        self.process.kill()

    def restart(self) -> None:
        """Start it again on the same port, killed first if need be, and wait until it is ready."""
        self.kill()
        self._fixed_port = self.port
        self._start()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Freeze it (SIGSTOP) and let it go on afterwards."""
        self.process.pause()
        try:
            yield
        finally:
            self.process.resume()

    def stop(self) -> None:
        """End it: SIGTERM, some seconds of grace, SIGKILL."""
        self.process.stop()

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines it wrote."""
        return self.process.log_tail(lines)

    def _start(self) -> None:
        for attempt in range(PORT_ATTEMPTS):
            self.port = self._fixed_port or self.launch.network.free_port()
            self.process = self._spawn()
            try:
                self._wait_until_ready()
                return
            except SubmissionError:
                self.process.stop()
                stolen = attempt < PORT_ATTEMPTS - 1 and bool(_listeners(self.port))
                if not stolen:
                    raise
            except BaseException:
                self.process.stop()
                raise

    def _spawn(self) -> Supervised:
        command = [word.replace("{port}", str(self.port)) for word in self.launch.command]
        env = {**self.launch.env, "PORT": str(self.port)}
        log = self.launch.log_folder / f"{self.launch.name}-{self.port}.log"
        return self.launch.place.start(command, env, log, grace_s=GRACE_S)

    def _wait_until_ready(self) -> None:
        started_s = time.monotonic()
        last = "nothing listens"
        while (elapsed_s := time.monotonic() - started_s) < self.launch.ready_timeout_s:
            code = self.process.exit_code(POLL_S)
            if code is not None:
                raise self._ended(code)
            left_s = max(LAST_ANSWER_S, self.launch.ready_timeout_s - elapsed_s)
            answer = self.client.try_send(self.base_url, Call("GET", self.launch.ready), left_s)
            if answer.status == 200 and self._is_ours():
                return
            last = str(answer)
        raise SubmissionError(
            f"{self._shown()} was not ready: GET {self.launch.ready} on port {self.port} did not "
            f"answer 200 within {self.launch.ready_timeout_s:g} s (last: {last}).",
            "Listen on 127.0.0.1 and the port in the variable PORT soon after the start.",
            self.log_tail(),
        )

    def _is_ours(self) -> bool:
        ours = set(self.process.process_ids())
        listeners = _listeners(self.port)
        if listeners and not listeners & ours:
            raise SubmissionError(
                f"Port {self.port} is answered by another program, not by {self._shown()}.",
                "Use the port in the environment variable PORT, not one of your own.",
                self.log_tail(),
            )
        return True

    def _ended(self, code: int) -> SubmissionError:
        return SubmissionError(
            f"{self._shown()} ended with {described(code)} before it was ready.",
            "Read its last lines below; `start` must stay in the foreground and listen on PORT.",
            self.log_tail(),
        )

    def _shown(self) -> str:
        return f"The start command {' '.join(self.launch.command)!r}"


def described(code: int) -> str:
    """Say how a process ended."""
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _listeners(port: int) -> set[int | None]:
    """Return who listens on a port; None stands for a process of somebody else's."""
    return {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
    }
