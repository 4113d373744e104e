"""What happens to a watcher, and what it asks to be done in the world."""

from dataclasses import dataclass

from graders.model import Happening, Problem, Report
from graders.watch.messages import Job


@dataclass(frozen=True)
class Saved:
    """The folder has this content now."""

    content: str


@dataclass(frozen=True)
class Pressed:
    """A key was pressed."""

    key: str


@dataclass(frozen=True)
class Finished:
    """The grade at work is over; its report lies in `folder`."""

    report: Report
    folder: str


@dataclass(frozen=True)
class Gone:
    """Nothing is left of the grade that was at work."""


Said = Finished | Problem | Happening
Event = Saved | Pressed | Gone | Said


@dataclass(frozen=True)
class Begin:
    """Begin a grade; none is at work."""

    job: Job


@dataclass(frozen=True)
class Cancel:
    """Cancel the grade at work."""


@dataclass(frozen=True)
class Prepare:
    """Get ready for the next grade while nobody waits."""


@dataclass(frozen=True)
class RecordHint:
    """Keep in the history that a step of a hint was shown."""

    requirement: str
    step: int


@dataclass(frozen=True)
class OpenReport:
    """Open the report in this folder."""

    folder: str


Effect = Begin | Cancel | Prepare | RecordHint | OpenReport
