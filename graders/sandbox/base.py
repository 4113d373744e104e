"""What every level of containment is to the rest of the kit."""

import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from graders.processes import Supervised
from graders.sandbox.network import Network

PACKAGES = ".packages"
"""The folder in a workplace that holds what its requirements.txt names."""
WORKPLACES = ("submission", "reference")
HOME = Path("/submission")
"""Where a command sees the folder of its submission, at levels that have their own root."""
UNUSED_USER_IDS = range(61184, 65519)  # where systemd takes its dynamic users from
OwnLevel = Literal["bwrap", "docker"]
"""Levels at which commands have a file system and a network of their own."""
Level = Literal["process"] | OwnLevel


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

    def build_image(self, context: Path, log: Path) -> bool:
        """Run later commands in the image that the folder's Dockerfile describes; False: not here.

        SubmissionError when it can't be built.
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


def user_ids() -> dict[str, int]:
    """Return an unused user id, the same for its group, for each of a run's submissions."""
    first = random.SystemRandom().choice(UNUSED_USER_IDS[: -len(WORKPLACES)])
    return {name: first + number for number, name in enumerate(WORKPLACES)}


def give(folder: Path, user_id: int) -> None:
    """Give a folder and all that lies in it to an account; only root can."""
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.lchown(path, user_id, user_id)


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


class OwnRoot(Sandbox, Protocol):
    """A sandbox with a file system and a network of its own, to be closed."""

    def close(self) -> None:
        """End all that is left of it."""
        ...
