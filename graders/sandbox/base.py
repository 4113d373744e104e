"""What every level of containment is to the rest of the kit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from graders.processes import Supervised
from graders.sandbox.network import Network

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
