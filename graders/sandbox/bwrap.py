"""Level `bwrap`: bubblewrap, an own network, sized folders, limits, filtered system calls.

The grader stays outside. Commands of a submission see a read-only system, their own folder, and
the network of the run, in which nothing but its services, its replicas and its load live.
"""

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from graders.errors import SubmissionError
from graders.processes import Supervised
from graders.sandbox.base import HOME, PACKAGES, WORKPLACES, Level, Workplace, give, user_ids
from graders.sandbox.limits import LIMITS, Limits
from graders.sandbox.network import IsolatedNetwork, Network
from graders.sandbox.process import environment
from graders.sandbox.seccomp import write_filter
from graders.sandbox.view import parents, private, system
from graders.sandbox.watcher import Watcher

FOR_NAMES = (Path("/etc/resolv.conf"), Path("/etc/hosts"))
BWRAP_DEPTH = 2  # bwrap, its process 1 in the sandbox, the command
WITH_FILES = 'exec 7<"$1" 8<"$2" 9<"$3"; shift 3; exec "$@"'
ENVIRONMENT = "/environment"
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WITH_ENVIRONMENT = f'. {ENVIRONMENT}; exec "$@"'


@dataclass(frozen=True)
class Job:
    """A command, its whole environment, and what it is shown beside its folder, as options.

    One that `is_fetching` is the kit's own: it has the network of this machine.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    shown: Sequence[str]
    cwd: Path
    grace_s: float = 2.0
    is_fetching: bool = False


class BwrapSandbox:
    """An own network and two sized folders; gone with everything in them when closed."""

    level: Level = "bwrap"

    def __init__(self, folder: Path, limits: Limits = LIMITS) -> None:
        self._folder, self._limits = folder, limits
        # Loading libseccomp takes 20 ms, in which all else can be made.
        self._writer = ThreadPoolExecutor(max_workers=1)
        self._filter = self._writer.submit(write_filter, folder / "seccomp.bpf")
        self._is_root = os.getuid() == 0
        self._user_ids = user_ids()
        for name in WORKPLACES:
            (folder / name).mkdir()
        self._isolated = self._isolate()
        self.network: Network = self._isolated
        self._watcher = Watcher(limits, self._isolated.services, folder)

    def close(self) -> None:
        """End the watch and the network; whoever started a command has stopped it before."""
        self._watcher.close()
        self._isolated.close()
        self._writer.shutdown()

    def workplace(self, name: str) -> Workplace:
        """Return one of the two sized folders."""
        return BwrapWorkplace(self, name, self._user_ids[name])

    def require_within_limits(self) -> None:
        """Raise SubmissionError when commands were ended because they took too much."""
        if self._watcher.excess:
            raise SubmissionError(
                f"The submission was ended: {self._watcher.excess}.",
                "Find out what takes it: a leak, an endless loop, a flood of processes or files.",
            )

    def _isolate(self) -> IsolatedNetwork:
        prefix = ["bwrap", "--unshare-net", "--dev-bind", "/", "/"]
        if not self._is_root:
            prefix.insert(1, "--unshare-user")
        for name in WORKPLACES:
            prefix += ["--size", str(self._limits.work_bytes)]
            prefix += ["--tmpfs", str(self._folder / name)]
        log = self._folder / "network.log"
        return IsolatedNetwork([*prefix, "--"], log, own_users=not self._is_root)

    def seen(self, path: Path) -> Path:
        """Return where the grader finds a path that the network's holder knows."""
        return self._isolated.root / path.relative_to("/")

    def run(self, name: str, user_id: int, job: Job) -> Supervised:
        """Run a command with a workplace as its folder."""
        options = [*private(self._limits, is_root=self._is_root), *system()]
        options += ["--bind", str(self._folder / name), str(HOME), *job.shown]
        options += ["--perms", "0444", "--ro-bind-data", "7", ENVIRONMENT]
        options += ["--remount-ro", "/", "--chdir", str(job.cwd)]
        files = [
            _write(job.log.with_suffix(".environment"), _exports(job.env)),
            _write(job.log.with_suffix(".bwrap"), "".join(f"{one}\0" for one in options)),
            self._filter.result(),
        ]
        # Only the innermost shell has the submission's environment: its PATH or LD_PRELOAD must
        # not decide what runs before its rights are given up.
        inside = [] if job.is_fetching else self._privileges(user_id)
        inside += [*self._resources(), "/bin/sh", "-c", WITH_ENVIRONMENT, "sh", *job.command]
        network = self._isolated
        join = network.join_files if job.is_fetching else network.join_with_files
        wrapped = ["sh", "-c", WITH_FILES, "sh", *map(str, files)]
        started = Supervised(
            [*wrapped, *join, "bwrap", "--args", "8", "--", *inside],
            env={"PATH": os.environ.get("PATH", os.defpath)},
            cwd=self._folder,
            log=job.log,
            grace_s=job.grace_s,
            depth=BWRAP_DEPTH,
        )
        self._watcher.watch(started, self.seen(self._folder / name))
        return started

    def _privileges(self, user_id: int) -> list[str]:
        """Return the prefix that makes root's command an ordinary user's."""
        if not self._is_root:
            return []
        ids = [f"--reuid={user_id}", f"--regid={user_id}", "--clear-groups"]
        return [
            _program("setpriv"),
            *ids,
            "--bounding-set=-all",
            "--inh-caps=-all",
            "--no-new-privs",
            "--",
        ]

    def _resources(self) -> list[str]:
        limits = self._limits
        return [
            _program("prlimit"),
            f"--nproc={limits.processes}",
            f"--nofile={limits.open_files}",
            f"--cpu={limits.cpu_s}",
            f"--fsize={limits.work_bytes}",
            f"--data={2 * limits.memory_bytes}",  # each process; the sum of all is watched
            "--core=0",
            "--",
        ]


class BwrapWorkplace:
    """A sized folder on the sandbox's own file system."""

    def __init__(self, sandbox: BwrapSandbox, name: str, user_id: int) -> None:
        self._sandbox, self._name, self._user_id = sandbox, name, user_id
        self.folder = sandbox.seen(sandbox._folder / name)

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
        shown, home = _read_only(reads), HOME
        if cwd and cwd != self.folder:
            home = cwd
            give(cwd, self._user_id)
            shown += _writable(cwd)
        own = HOME / PACKAGES if (self.folder / PACKAGES).is_dir() else None
        clean = environment(home, Path("/tmp"), env, own)
        return self._run(Job(command, clean, log, shown, home, grace_s))

    def build_image(self, context: Path, log: Path) -> bool:  # noqa: ARG002
        """Return False: commands see the programs of this machine."""
        return False

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
        shown = [*_read_only([*reads, *FOR_NAMES]), *_writable(writes)]
        clean = environment(HOME, Path("/tmp"), env)
        return self._run(Job(command, clean, log, shown, HOME, is_fetching=True))

    def _run(self, job: Job) -> Supervised:
        return self._sandbox.run(self._name, self._user_id, job)


def _read_only(paths: Sequence[Path]) -> list[str]:
    binds = [word for path in paths for word in ("--ro-bind-try", str(path), str(path))]
    return [*parents(paths), *binds]


def _writable(path: Path) -> list[str]:
    return [*parents([path]), "--bind", str(path), str(path)]


def _program(name: str) -> str:
    """Return the full path of a program of the system."""
    return shutil.which(name) or name


def _exports(settings: Mapping[str, str]) -> str:
    """Return lines for a shell that set the environment, where a shell can name the variable."""
    named = {key: one for key, one in settings.items() if VARIABLE.fullmatch(key)}
    return "".join(f"export {key}={shlex.quote(value)}\n" for key, value in named.items())


def _write(file: Path, text: str) -> Path:
    """Write a file for the grader's eyes: passwords of services may be in it."""
    file.touch(mode=0o600)
    file.write_bytes(os.fsencode(text))
    return file
