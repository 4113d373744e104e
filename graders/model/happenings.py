"""What a grade tells while it runs, for whoever shows it."""

from collections.abc import Callable
from dataclasses import dataclass

from graders.model.results import CheckResult

START = "start"


@dataclass(frozen=True)
class PhaseBegun:
    """A phase begins, or goes on: `start`, or what `stage_phase` and `load_phase` return."""

    phase: str


@dataclass(frozen=True)
class ChecksFound:
    """How many checks of each requirement will run."""

    by_requirement: dict[str, int]


@dataclass(frozen=True)
class LoadBegun:
    """A run of a load profile begins, counted from 1; how long it offers load is known."""

    profile: str
    run: int
    duration_s: float


@dataclass(frozen=True)
class Seeding:
    """How far the lab's database is filled; that happens once and is kept."""

    percent: int


Happening = Seeding | PhaseBegun | ChecksFound | LoadBegun | CheckResult
Progress = Callable[[Happening], None]


def stage_phase(stage: str) -> str:
    """Return the name of the phase in which a stage's checks run."""
    return f"stage {stage}"


def load_phase(profile: str) -> str:
    """Return the name of the phase in which a load profile runs."""
    return f"load {profile}"
