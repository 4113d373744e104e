"""Level `process`: own session, clean environment, killed as a tree; for code one trusts."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from graders.processes import Supervised
from graders.sandbox.base import PACKAGES, Level, Workplace
from graders.sandbox.network import HostNetwork, Network


class ProcessSandbox:
    """Commands run as the grader's own user, side by side with everything else."""

    level: Level = "process"

    def __init__(self, folder: Path) -> None:
        self.network: Network = HostNetwork()
        self._folder = folder

    def workplace(self, name: str) -> Workplace:
        """Return a plain folder."""
        return ProcessWorkplace(self._folder / name)

    def require_within_limits(self) -> None:
        """Do nothing: this level has no limits."""


class ProcessWorkplace:
    """A plain folder, and commands that could leave it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hand_over(self) -> None:
        """Do nothing: commands run as the owner of the folder."""

    def start(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        cwd: Path | None = None,
        reads: Sequence[Path] = (),  # noqa: ARG002 - everything can be read here
        grace_s: float = 2.0,
    ) -> Supervised:
        """Run a command in a clean environment."""
        place = cwd or self.folder
        packages = self.folder / PACKAGES
        own = packages if packages.is_dir() else None
        clean = environment(place, place, env, own)
        return Supervised(command, env=clean, cwd=place, log=log, grace_s=grace_s)

    def build_image(self, context: Path, log: Path) -> bool:  # noqa: ARG002
        """Return False: commands see the programs of this machine."""
        return False

    def fetch(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        reads: Sequence[Path],  # noqa: ARG002 - everything can be read and written here
        writes: Path,  # noqa: ARG002
    ) -> Supervised:
        """Run a program of the kit's own."""
        clean = environment(self.folder, self.folder, env)
        return Supervised(command, env=clean, cwd=self.folder, log=log)


def environment(
    home: Path,
    temporary: Path,
    extra: Mapping[str, str],
    packages: Path | None = None,
    programs: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return a clean environment for a submission's command: nothing of the grader's leaks in.

    `programs` says where programs and modules are found: those of this machine and of the kit, or
    an image's. The submission's own packages, if it has any, come before them.
    """
    found = dict(programs or {"PATH": _paths(Path(sys.executable).parent, os.environ.get("PATH"))})
    if packages:
        found["PATH"] = _paths(packages / "bin", found.get("PATH"))
        found["PYTHONPATH"] = _paths(packages, found.get("PYTHONPATH", ""))
    return {
        **found,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def _paths(first: Path, others: str | None) -> str:
    rest = os.defpath if others is None else others
    return os.pathsep.join([str(first), rest] if rest else [str(first)])
