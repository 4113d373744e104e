"""What every level of containment is to the rest of the kit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from graders.processes import Supervised
from graders.sandbox.network import Network

PACKAGES = ".packages"
"""The folder in a workplace that holds what its requirements.txt names."""
Level = Literal["process", "bwrap"]


class Workplace(Protocol):
    """A folder that holds one submission, and the way its commands are run."""

    folder: Path
    """The folder as the grader sees it."""

    def hand_over(self) -> None:
        """Give all that lies in the folder to the account the commands run as."""
        ...

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
        """Run a command in a clean environment, in the folder or in `cwd`, a folder of the run's.

        It may read the files in `reads` under their own paths.
        """
        ...

    def fetch(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        reads: Sequence[Path],
        writes: Path,
    ) -> Supervised:
        """Run a program of the kit's own that fills the folder from the network of this machine.

        It may read and write what is named, under their own paths, and the folder.
        """
        ...


class Sandbox(Protocol):
    """One run's containment; everything in it ends when it is closed."""

    level: Level
    network: Network

    def workplace(self, name: str) -> Workplace:
        """Return the place for one of the run's submissions: "submission" or "reference"."""
        ...

    def require_within_limits(self) -> None:
        """Raise SubmissionError when a submission was ended because it took too much."""
        ...
