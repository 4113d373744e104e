"""What one grade starts on a Docker engine: labelled, on a network of its own, gone with it."""

import dataclasses
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

from docker.types import LogConfig
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network as DockerNetwork

from graders.containers.engine import Engine, asking, open_engine
from graders.containers.images import image_name
from graders.containers.reaper import GRADER, RUN, grader_label
from graders.errors import MachineError

LOG_LINES = 20
SHORT_LOG = LogConfig(type="json-file", config={"max-size": "2m"})


class Started:
    """A running container, reached at `host` and `port`."""

    def __init__(self, engine: Engine, container: DockerContainer, port: int) -> None:
        self._container = container.get_wrapped_container()
        self.image = container.image
        address = engine.address(self._container, port)
        if address is None:
            self._refuse("has ended before it could be reached")
        self.host, self.port = address

    def require_running(self) -> None:
        """Raise MachineError with its last lines if the container has ended."""
        with asking(f"say how {self._container.name} is"):
            self._container.reload()
        if self._container.status != "running":
            self._refuse(f"has ended (exit code {self._container.attrs['State']['ExitCode']})")

    def give_up(self, timeout_s: float) -> NoReturn:
        """Raise MachineError: it runs, and does not answer."""
        self._refuse(f"did not answer at {self.host}:{self.port} within {timeout_s:g} s")

    def log(self) -> str:
        """Return what it wrote, as much as is kept of it."""
        with asking(f"show the log of {self._container.name}"):
            said: bytes = self._container.logs()
        return said.decode(errors="replace")

    def _refuse(self, what: str) -> NoReturn:
        log = self.log().splitlines()[-LOG_LINES:]
        raise MachineError(
            f"The container of {self.image} {what}.",
            "Read its last lines below; if the engine is on another machine, use one on this; "
            "if the grader runs in a container, give it the network of the host.",
            log,
        )


class DockerRun:
    """The containers of one grade and the network they share.

    Containers are named RUN-SERVICE-NUMBER, and in their network by the service alone.
    """

    def __init__(self, engine: Engine, reaper: "Reaper", run: str) -> None:
        self._reaper, self._run = reaper, run
        self._labels = {RUN: run, GRADER: grader_label(os.getpid())}
        self._count = 0
        self.network = self._make_network(internal=engine.direct)  # no way out, if it can be
        self.engine = dataclasses.replace(engine, direct=engine.reaches(run))
        if engine.direct and not self.engine.direct:
            with asking(f"remove {run}"):
                self.network.remove()
            self.network = self._make_network(internal=False)  # or no port could be published

    def _make_network(self, *, internal: bool) -> DockerNetwork:
        network = DockerNetwork(docker_network_kw={"labels": self._labels, "internal": internal})
        network.name = self._run
        with self._making(self._run):
            network.create()
        return network

    def start(
        self,
        service: str,
        command: Sequence[str],
        env: Mapping[str, str],
        port: int,
        *,
        user: str,
        memory_bytes: int,
        writes: Mapping[str, int],
    ) -> Started:
        """Start a container of a service's image; MachineError if that can't be.

        It writes to nothing but the folders in `writes`: in memory, of so many bytes each, beside
        the `memory_bytes` of its processes. Its `user` is none with rights over others.
        """
        image = image_name(service)
        self.engine.require_image(service, image)
        folders = dict.fromkeys(self.engine.volumes(image), 1 << 20) | dict(writes)
        self._count += 1
        name = f"{self._run}-{service}-{self._count}"
        container = DockerContainer(
            image,
            env=dict(env),
            name=name,
            network=self.network,
            network_aliases=[service],
            labels=self._labels,
            mem_limit=memory_bytes + sum(folders.values()),
            pids_limit=300,
            user=user,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            log_config=SHORT_LOG,
        ).with_command(list(command))
        for folder, size_bytes in folders.items():
            container.with_tmpfs_mount(folder, f"size={size_bytes},mode=1777")
        if not self.engine.direct:
            container.ports = {f"{port}/tcp": ("127.0.0.1",)}  # type: ignore[dict-item]
        with self._making(name):
            container.start()
        return Started(self.engine, container, port)

    @contextmanager
    def _making(self, name: str) -> Iterator[None]:
        self._reaper.say("expect", name)
        with asking(f"start {name}"):
            yield
        self._reaper.say("made", name)


class Reaper:
    """The process that removes everything of a run, also when we are killed."""

    def __init__(self, run: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "graders.containers.reaper", run],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def say(self, word: str, name: str) -> None:
        """Announce what is asked of the engine, or that it is there."""
        assert self._process.stdin
        self._process.stdin.write(f"{word} {name}\n".encode())
        self._process.stdin.flush()

    def close(self) -> None:
        """Let it clean, and wait for it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def docker_run() -> Iterator[DockerRun]:
    """Open a run on the engine; everything it started is gone on leaving."""
    engine = open_engine()
    run = f"lab-{secrets.token_hex(6)}"
    reaper = Reaper(run)
    try:
        yield DockerRun(engine, reaper, run)
    finally:
        reaper.close()
