"""The phases of a grade beforehand: which there will be, and how long each takes. Pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from graders.manifest import LoadProfile, Manifest
from graders.model import (
    START,
    ChecksFound,
    Happening,
    LoadBegun,
    PhaseBegun,
    Seeding,
    load_phase,
    stage_phase,
)

ALONE_S = 2.0  # the reference by itself, before and after a timed run
ALMOST = 0.99  # what is not over must not look like it


@dataclass(frozen=True)
class Phase:
    """A phase by the name it is announced with; `expected_s` is None where nothing is known."""

    name: str
    expected_s: float | None


def expected_phases(
    manifest: Manifest, requirements: AbstractSet[str], known_s: Mapping[str, float]
) -> tuple[Phase, ...]:
    """Return the phases of a grade of some requirements, in order.

    `known_s` is what each took last; of a timed load profile the manifest says the least.
    """
    names = [START]
    for stage in manifest.stages:
        ours = {one.id for one in manifest.requirements if one.stage == stage.name} & requirements
        if ours:
            names.append(stage_phase(stage.name))
        names += [
            load_phase(name)
            for name, profile in manifest.load.items()
            if profile.judged & ours and load_phase(name) not in names
        ]
    planned_s = {load_phase(name): _planned_s(one) for name, one in manifest.load.items()}
    return tuple(Phase(name, known_s.get(name, planned_s.get(name))) for name in names)


def _planned_s(profile: LoadProfile) -> float | None:
    if profile.mode == "counted":
        return None
    return 1.5 * profile.warmup_s + profile.duration_s + ALONE_S


def announcement(phases: Sequence[Phase]) -> str:
    """Say how long a grade will take, and which share of it each phase has."""
    known = [(one.name, one.expected_s) for one in phases if one.expected_s is not None]
    unknown = [one.name for one in phases if one.expected_s is None]
    total_s = sum(seconds for _, seconds in known)
    if unknown:
        later = f"; at least {duration(total_s)} of load" if total_s else ""
        return f"{', '.join(one.name for one in phases)}; how long is known next time{later}"
    shares = ", ".join(f"{name} {seconds / max(total_s, 1e-9):.0%}" for name, seconds in known)
    return f"about {duration(total_s)}: {shares}"


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 100 else f"{round(whole / 60)} min"


@dataclass(frozen=True)
class Advance:
    """How far a grade is: the phases expected, those that began, checks, load, seeding.

    Moments are in seconds, of any clock that does not go back.
    """

    phases: tuple[Phase, ...]
    begun: tuple[str, ...] = ()
    phase_since_s: float = 0.0
    checks: int = 0
    done: int = 0
    load: LoadBegun | None = None
    seeded_percent: int | None = None

    def after(self, happening: Happening, now_s: float) -> "Advance":
        """Return how far it is once this happened."""
        match happening:
            case PhaseBegun(phase):
                begun = (*self.begun, phase)
                return replace(self, begun=begun, phase_since_s=now_s, load=None)
            case ChecksFound(by_requirement):
                return replace(self, checks=sum(by_requirement.values()))
            case LoadBegun():
                return replace(self, load=happening)
            case Seeding(percent):
                return replace(self, seeded_percent=percent)
        return replace(self, done=self.done + 1)

    @property
    def phase(self) -> str:
        """The phase that goes on, or nothing before the first."""
        return self.begun[-1] if self.begun else ""

    def left_s(self, now_s: float) -> float | None:
        """Return how long it will still take; None where that is not known."""
        ahead = [one for one in self.phases if one.name == self.phase or one.name not in self.begun]
        if any(one.expected_s is None for one in ahead):
            return None
        spent_s = now_s - self.phase_since_s if self.begun else 0.0
        return sum(
            max(0.0, (one.expected_s or 0.0) - (spent_s if one.name == self.phase else 0.0))
            for one in ahead
        )

    def fraction(self, now_s: float) -> float:
        """Return which part is done, from 0 to just below 1: of the time, or of the checks."""
        left_s = self.left_s(now_s)
        total_s = sum(one.expected_s or 0.0 for one in self.phases)
        if left_s is None or total_s <= 0:
            return min(ALMOST, self.done / self.checks) if self.checks else 0.0
        return min(ALMOST, max(0.0, 1 - left_s / total_s))

    def words(self, now_s: float) -> str:
        """Say what goes on, how far it is and how long it will take."""
        parts = [self._doing(), f"{self.done} of {self.checks} checks" if self.checks else ""]
        left_s = self.left_s(now_s)
        if left_s is not None:
            parts.append(f"about {duration(left_s)} left")
        return " · ".join(part for part in parts if part)

    def _doing(self) -> str:
        if self.load:
            run_s = duration(self.load.duration_s)
            return f"load {self.load.profile}, run {self.load.run}, {run_s}"
        if self.phase == START and self.seeded_percent is not None:
            return f"filling the database, once: {self.seeded_percent} %"
        if self.phase == START:
            return "starting services and submission"
        return self.phase or "getting ready"
