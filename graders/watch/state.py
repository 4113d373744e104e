"""What a watcher knows: the lab, what is on disk, what it was graded as, what is going on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from graders.manifest import Manifest, Requirement
from graders.model import CheckResult, Outcome, Problem
from graders.phases import Advance
from graders.watch.messages import Job

TROUBLE = (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE)


class Scope(Enum):
    """What a grade is about."""

    SAVED = "what you saved"
    ALL = "every stage"
    LOAD = "the load"


@dataclass(frozen=True)
class Setting:
    """What does not change while it watches: the lab, what needs load, how long phases take.

    In `folder` the learner writes; `handout` is the file that asks the question.
    """

    lab: str
    folder: str
    handout: str
    manifest: Manifest
    under_load: frozenset[str]
    known_s: Mapping[str, float] = field(default_factory=dict)
    seed: int | None = None


@dataclass(frozen=True)
class Result:
    """What a requirement got, for which content of the folder."""

    content: str
    outcome: Outcome
    checks: tuple[CheckResult, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Run:
    """A grade that goes on: of what, how far it is; cancelled ones are still unwinding."""

    scope: Scope
    content: str
    job: Job
    advance: Advance
    counts: Mapping[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    cancelled: bool = False


@dataclass(frozen=True)
class Remembered:
    """What a content was graded as, and where the report lies."""

    results: Mapping[str, Result]
    report_folder: str


@dataclass(frozen=True)
class State:
    """All that the screen shows; `remembered` are the contents that were graded."""

    setting: Setting
    content: str = ""
    results: Mapping[str, Result] = field(default_factory=dict)
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    run: Run | None = None
    wanted: Scope | None = None
    focus: str = ""
    failed_before: str = ""
    hints_used: Mapping[str, int] = field(default_factory=dict)
    shows_list: bool = False
    report_folder: str = ""
    problem: Problem | None = None
    note: str = ""
    over: bool = False

    @property
    def requirements(self) -> list[Requirement]:
        """The lab's requirements in the order of its stages."""
        manifest = self.setting.manifest
        return sorted(manifest.requirements, key=lambda one: manifest.stage_index(one.stage))

    def result(self, requirement: str) -> Result | None:
        """Return what a requirement got for what is on disk now."""
        found = self.results.get(requirement)
        return found if found and found.content == self.content else None

    def outcome(self, requirement: str) -> Outcome | None:
        """Return the outcome of a requirement for what is on disk now; None: not graded."""
        found = self.result(requirement)
        return found.outcome if found and found.outcome is not Outcome.SKIPPED else None

    def troubles(self) -> list[str]:
        """Return the requirements to look at: failed now, or before the last save and not since."""
        return [
            one.id
            for outcome in TROUBLE
            for one in self.requirements
            if one.id in self.results and self.results[one.id].outcome is outcome
        ]

    def failed_check(self) -> CheckResult | None:
        """Return the check of the requirement in focus that did not pass."""
        found = self.results.get(self.focus)
        checks = found.checks if found else ()
        return next((one for one in checks if found and one.outcome is found.outcome), None)


def is_stale(state: State, requirement: str) -> bool:
    """Say if all that is known of a requirement belongs to what was on disk before."""
    return requirement in state.results and state.result(requirement) is None
