"""Level `docker`: each command in a container of its own, all in the network of one that waits.

That one, the holder, has no network but a loopback, which services, load and replicas share, and
keeps the two sized folders. Containers have a read-only root, no capabilities, filtered system
calls and limits. What they run in is an image: the kit's own, or the submission's Dockerfile.
"""

import contextlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from graders.containers.base_image import base_image
from graders.containers.build import BuildLimits, build_image
from graders.containers.contained import Contained
from graders.containers.engine import Engine
from graders.containers.run import docker_run
from graders.errors import MachineError, SubmissionError
from graders.processes import Supervised
from graders.sandbox.base import HOME, PACKAGES, WORKPLACES, Level, Workplace, give, user_ids
from graders.sandbox.container import (
    Binds,
    contained,
    memory_and_files_bytes,
    mounted,
    shown,
    sized_folder,
)
from graders.sandbox.limits import LIMITS, Limits
from graders.sandbox.network import IsolatedNetwork, Network
from graders.sandbox.process import environment
from graders.sandbox.watcher import Watcher

NOBODY = 65534
WAITING = ("sleep", "infinity")
BUILD_TIMEOUT_S = 300.0
CERTIFICATES = Path("/etc/ssl")


class DockerSandbox:
    """A holder, its network and two sized folders; gone with every container when closed."""

    level: Level = "docker"

    def __init__(self, folder: Path, cache: Path, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._user_ids = user_ids()
        self._commands: list[Contained] = []
        with ExitStack() as stack:
            self.run = stack.enter_context(docker_run())
            self.image = base_image(self.run.engine, cache)
            self._holder = self._hold()
            pid = int(self._holder.attrs["State"]["Pid"])
            require_reach(self.run.engine, self._holder.id, pid)
            self._root = Path(f"/proc/{pid}/root")
            join = ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]
            isolated = IsolatedNetwork(join, folder / "network.log", own_users=False)
            stack.callback(isolated.close)
            self._watcher = Watcher(limits, isolated.services, folder)
            stack.callback(self._watcher.close)
            self._stack = stack.pop_all()
        self.network: Network = isolated

    def close(self) -> None:
        """End the watch, the network, and all that is left on the engine."""
        self._stack.close()

    def workplace(self, name: str) -> Workplace:
        """Return one of the two sized folders."""
        return DockerWorkplace(self, name, self._user_ids[name])

    def require_within_limits(self) -> None:
        """Raise SubmissionError when commands were ended because they took too much."""
        excess = self._watcher.excess
        if not excess and any(command.ran_out_of_memory() for command in self._commands):
            allowed_mib = self._limits.memory_bytes >> 20
            held_mib = memory_and_files_bytes(self._limits) >> 20
            excess = f"its processes, with its files, took {held_mib} MiB of memory, "
            excess += f"{allowed_mib} MiB are allowed"
        if excess:
            raise SubmissionError(
                f"The submission was ended: {excess}.",
                "Find out what takes it: a leak, an endless loop, a flood of processes or files.",
            )

    def seen(self, name: str) -> Path:
        """Return where the grader finds a workplace's folder."""
        return self._root / name

    def volume(self, name: str) -> str:
        """Return the name of a workplace's folder on the engine."""
        return f"{self.run.name}-{name}"

    def start(
        self, name: str, image: str, command: Sequence[str], log: Path, grace_s: float, **more: Any
    ) -> Contained:
        """Start a command in a container of the run's network, with a workplace's folder."""
        options = {"network_mode": f"container:{self._holder.id}", **more}
        options["volumes"] |= mounted(self.volume(name), HOME)
        container = self._create("command", image, command, **options)
        started = Contained(self.run.engine, container, log, grace_s)
        self._commands.append(started)
        self._watcher.watch(started, self.seen(name))
        return started

    def build(self, context: Path, log: Path) -> str:
        """Return the image that a folder's Dockerfile describes."""
        limits = self._limits
        allowed = BuildLimits(
            BUILD_TIMEOUT_S, limits.memory_bytes, limits.processes, limits.work_bytes
        )
        return build_image(self.run, context, log, allowed)

    def _hold(self) -> Any:
        folders: Binds = {}
        for name in WORKPLACES:
            volume, options = self.volume(name), sized_folder(self._limits)
            with self.run.making(volume):
                self.run.engine.client.volumes.create(
                    volume, driver_opts=options, labels=self.run.labels
                )
            folders |= mounted(volume, Path("/", name))
        holder = self._create(
            "holder",
            self.image,
            WAITING,
            user=f"{NOBODY}:{NOBODY}",
            network_mode="none",
            hostname="lab",
            volumes=folders,
        )
        with self.run.making(holder.name):
            holder.start()
            holder.reload()
        return holder

    def _create(self, kind: str, image: str, command: Sequence[str], **more: Any) -> Any:
        name, engine = self.run.next_name(kind), self.run.engine
        options = {**contained(engine, image, self._limits), **more}
        with self.run.making(name):
            return engine.client.containers.create(
                command=list(command), name=name, labels=self.run.labels, **options
            )


class DockerWorkplace:
    """A sized folder on the engine, and the image its commands run in."""

    def __init__(self, sandbox: DockerSandbox, name: str, user_id: int) -> None:
        self._sandbox, self._name, self._user_id = sandbox, name, user_id
        self._image = sandbox.image
        self.folder = sandbox.seen(name)

    def hand_over(self) -> None:
        """Give the folder to the account its commands run as."""
        give(self.folder, self._user_id)

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        cwd: Path | None = None,
        reads: Sequence[Path] = (),
        grace_s: float = 2.0,
    ) -> Supervised:
        """Run a command that sees nothing else; `cwd` and `reads` keep their own paths."""
        volumes, home = shown(reads, "ro"), HOME
        if cwd and cwd != self.folder:
            home = cwd
            give(cwd, self._user_id)
            volumes |= shown([cwd], "rw")
        return self._sandbox.start(
            self._name,
            self._image,
            command,
            log,
            grace_s,
            environment=self._environment(home, env),
            user=f"{self._user_id}:{self._user_id}",
            working_dir=str(home),
            volumes=volumes,
        )

    def build_image(self, context: Path, log: Path) -> bool:
        """Build the folder's Dockerfile, without a network, and run later commands in it."""
        if not (context / "Dockerfile").is_file():
            return False
        self._image = self._sandbox.build(context, log)
        return True

    def fetch(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        reads: Sequence[Path],
        writes: Path,
    ) -> Supervised:
        """Run a program of the kit's own with the network of this machine, as its own user."""
        return self._sandbox.start(
            self._name,
            self._image,
            command,
            log,
            2.0,
            environment=self._environment(HOME, env),
            user="0:0",
            working_dir=str(HOME),
            network_mode="host",
            volumes=shown([*reads, CERTIFICATES], "ro") | shown([writes], "rw"),
        )

    def _environment(self, home: Path, env: Mapping[str, str]) -> dict[str, str]:
        own = HOME / PACKAGES if (self.folder / PACKAGES).is_dir() else None
        programs = self._sandbox.run.engine.environment(self._image)
        return environment(home, Path("/tmp"), env, own, programs)


def require_reach(engine: Engine, container_id: str, pid: int) -> None:
    """Raise MachineError unless a container is a process of this machine that we may enter.

    Its mounts tell, for they name it before its command runs; its command line is empty for a
    moment after the engine called it started.
    """
    with contextlib.suppress(OSError):
        if engine.direct and container_id in Path(f"/proc/{pid}/mountinfo").read_text():
            return
    raise MachineError(
        "At level docker the engine must run on this machine, not in a virtual machine nor afar, "
        "and the grader must not run in a container itself.",
        "Use --sandbox bwrap on Linux, or --sandbox process for code you trust.",
    )
