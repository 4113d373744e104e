"""The containers that serve one grade, on a network of their own."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NoReturn

from docker.types import LogConfig
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network as DockerNetwork

from graders.containers.engine import Engine, asking
from graders.containers.images import image_name
from graders.containers.run import DockerRun
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


class ServiceContainers:
    """The services of one grade and the network they share, where each has its service's name."""

    def __init__(self, run: DockerRun) -> None:
        self._run = run
        self.network = self._make_network(internal=run.engine.direct)  # no way out, if it can be
        direct = run.engine.reaches(run.name)
        self.engine = dataclasses.replace(run.engine, direct=direct)
        if run.engine.direct and not direct:
            with asking(f"remove {run.name}"):
                self.network.remove()
            self.network = self._make_network(internal=False)  # or no port could be published

    def _make_network(self, *, internal: bool) -> DockerNetwork:
        run = self._run
        network = DockerNetwork(docker_network_kw={"labels": run.labels, "internal": internal})
        network.name = run.name
        with run.making(run.name):
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
        name = self._run.next_name(service)
        container = DockerContainer(
            image,
            env=dict(env),
            name=name,
            network=self.network,
            network_aliases=[service],
            labels=self._run.labels,
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
        with self._run.making(name):
            container.start()
        return Started(self.engine, container, port)
