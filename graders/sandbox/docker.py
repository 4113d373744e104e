"""Level `docker`: each command in a container of its own, all in the network of one that waits.

That one, the holder, has no network but a loopback, which services, load and replicas share, and
keeps the two sized folders. Containers have a read-only root, no capabilities, filtered system
calls and limits. What they run in is an image: the kit's own, or the submission's Dockerfile.
"""

import functools
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from docker.types import LogConfig, Ulimit

from graders.containers.base_image import base_image
from graders.containers.build import BuildLimits, build_image
from graders.containers.contained import Contained
from graders.containers.run import DockerRun, docker_run
from graders.errors import MachineError, SubmissionError
from graders.processes import Supervised
from graders.sandbox.base import HOME, PACKAGES, WORKPLACES, Level, Workplace, give, user_ids
from graders.sandbox.limits import LIMITS, Limits
from graders.sandbox.network import IsolatedNetwork, Network
from graders.sandbox.process import environment
from graders.sandbox.seccomp import docker_profile
from graders.sandbox.watcher import Watcher

NOBODY = 65534
BUILD_TIMEOUT_S = 300.0
CERTIFICATES = Path("/etc/ssl")
Binds = dict[str, dict[str, str]]


class DockerSandbox:
    """A holder, its network and two sized folders; gone with every container when closed."""

    level: Level = "docker"

    def __init__(self, folder: Path, cache: Path, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._user_ids = user_ids()
        self._commands: list[Contained] = []
        with ExitStack() as stack:
            self.run = stack.enter_context(docker_run())
            _require_reach(self.run)
            self.image = base_image(self.run.engine, cache)
            self._holder = self._hold()
            pid = int(self._holder.attrs["State"]["Pid"])
            self._root = Path(f"/proc/{pid}/root")
            self._isolated = IsolatedNetwork(
                ["nsenter", f"--net=/proc/{pid}/ns/net", "--"],
                folder / "network.log",
                own_users=False,
            )
            stack.callback(self._isolated.close)
            self._watcher = Watcher(limits, self._isolated.services, folder)
            stack.callback(self._watcher.close)
            self._stack = stack.pop_all()
        self.network: Network = self._isolated

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
            held = f"its processes, with its files, took {self._memory_bytes >> 20} MiB of memory"
            excess = f"{held}, {allowed_mib} MiB are allowed"
        if excess:
            raise SubmissionError(
                f"The submission was ended: {excess}.",
                "Find out what takes it: a leak, an endless loop, a flood of processes or files.",
            )

    def seen(self, name: str) -> Path:
        """Return where the grader finds a workplace's folder."""
        return self._root / name

    def start(
        self, name: str, command: Sequence[str], log: Path, grace_s: float, **options: Any
    ) -> Contained:
        """Start a command in a container with the folder of a workplace."""
        container = self._create("command", command, **options)
        started = Contained(self.run.engine, container, log, grace_s)
        self._commands.append(started)
        self._watcher.watch(started, self.seen(name))
        return started

    def volume(self, name: str) -> str:
        """Return the name of a workplace's folder on the engine."""
        return f"{self.run.name}-{name}"

    def _hold(self) -> Any:
        for name in WORKPLACES:
            with self.run.making(self.volume(name)):
                self.run.engine.client.volumes.create(
                    self.volume(name), driver_opts=self._sized(), labels=self.run.labels
                )
        folders = {
            self.volume(name): {"bind": f"/{name}", "mode": "rw,nocopy"} for name in WORKPLACES
        }
        holder = self._create(
            "holder",
            ["sleep", "infinity"],
            image=self.image,
            user=f"{NOBODY}:{NOBODY}",
            network_mode="none",
            hostname="lab",
            volumes=folders,
        )
        with self.run.making(holder.name):
            holder.start()
            holder.reload()
        return holder

    def _sized(self) -> dict[str, str]:
        limits = self._limits
        options = f"size={limits.work_bytes},nr_inodes={limits.work_files},mode=0755,nosuid,nodev"
        return {"type": "tmpfs", "device": "tmpfs", "o": options}

    @property
    def build_limits(self) -> BuildLimits:
        """What the steps of a Dockerfile may take."""
        limits = self._limits
        return BuildLimits(
            BUILD_TIMEOUT_S, limits.memory_bytes, limits.processes, limits.work_bytes
        )

    @property
    def _memory_bytes(self) -> int:
        """What the kernel enforces for one container: memory, and files that lie in memory."""
        limits = self._limits
        files_bytes = limits.temporary_bytes + limits.shared_memory_bytes + limits.work_bytes
        return limits.memory_bytes + files_bytes

    def _create(self, kind: str, command: Sequence[str], **options: Any) -> Any:
        name, engine = self.run.next_name(kind), self.run.engine
        limits = self._limits
        places = {"/tmp", *engine.volumes(options["image"])}  # a volume would have no limit
        rights = f"rw,exec,nosuid,nodev,mode=1777,size={limits.temporary_bytes}"
        with self.run.making(name):
            return engine.client.containers.create(
                command=list(command),
                name=name,
                tmpfs=dict.fromkeys(places, rights),
                **self._contained,
                **options,
            )

    @functools.cached_property
    def _contained(self) -> dict[str, Any]:
        """What is the same for each container: no way out, and no more than the limits."""
        limits = self._limits
        return {
            "entrypoint": [],
            "labels": self.run.labels,
            "init": True,
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges", f"seccomp={docker_profile()}"],
            "ipc_mode": "private",
            "mem_limit": self._memory_bytes,
            "memswap_limit": self._memory_bytes,
            "pids_limit": limits.processes,
            "shm_size": limits.shared_memory_bytes,
            "ulimits": [
                Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
                Ulimit(name="cpu", soft=limits.cpu_s, hard=limits.cpu_s),
                Ulimit(name="fsize", soft=limits.work_bytes, hard=limits.work_bytes),
                Ulimit(name="core", soft=0, hard=0),
                Ulimit(name="msgqueue", soft=0, hard=0),  # memory that no limit would see
            ],
            "log_config": LogConfig(type="none"),
        }

    @property
    def holders_network(self) -> str:
        """What a container is told to live in the run's network."""
        return f"container:{self._holder.id}"


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
        shown, home = _shown(reads, "ro"), HOME
        if cwd and cwd != self.folder:
            home = cwd
            give(cwd, self._user_id)
            shown |= _shown([cwd], "rw")
        return self._sandbox.start(
            self._name,
            command,
            log,
            grace_s,
            image=self._image,
            environment=self._environment(home, env),
            user=f"{self._user_id}:{self._user_id}",
            working_dir=str(home),
            network_mode=self._sandbox.holders_network,
            volumes=self._own() | shown,
        )

    def build_image(self, context: Path, log: Path) -> bool:
        """Build the folder's Dockerfile, without a network, and run later commands in it."""
        if not (context / "Dockerfile").is_file():
            return False
        self._image = build_image(self._sandbox.run, context, log, self._sandbox.build_limits)
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
            command,
            log,
            2.0,
            image=self._image,
            environment=self._environment(HOME, env),
            user="0:0",
            working_dir=str(HOME),
            network_mode="host",
            volumes=self._own() | _shown([*reads, CERTIFICATES], "ro") | _shown([writes], "rw"),
        )

    def _own(self) -> Binds:
        return {self._sandbox.volume(self._name): {"bind": str(HOME), "mode": "rw,nocopy"}}

    def _environment(self, home: Path, env: Mapping[str, str]) -> dict[str, str]:
        own = HOME / PACKAGES if (self.folder / PACKAGES).is_dir() else None
        programs = self._sandbox.run.engine.environment(self._image)
        return environment(home, Path("/tmp"), env, own, programs)


def _shown(paths: Sequence[Path], mode: str) -> Binds:
    return {str(path): {"bind": str(path), "mode": mode} for path in paths if path.exists()}


def _require_reach(run: DockerRun) -> None:
    """Raise MachineError unless the grader may enter the containers' network and folders."""
    if not run.engine.direct:
        raise MachineError(
            "At level docker the engine must run on this machine, not in a virtual machine.",
            "Use --sandbox bwrap on Linux, or --sandbox process for code you trust.",
        )
