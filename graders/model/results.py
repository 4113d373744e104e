"""Outcomes, feedback, results, and the report that is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from graders.model.exchanges import Exchange
from graders.model.plans import Plan
from graders.model.series import LoadSeries, Work
from graders.model.timelines import Timeline


class Outcome(StrEnum):
    """What became of one check, one requirement or one threshold."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    SKIPPED = "skipped"


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what several outcomes amount to: a failure is certain, a doubt remains a doubt."""
    for outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.SKIPPED):
        if outcome in outcomes:
            return outcome
    return Outcome.PASSED if outcomes else Outcome.ERROR


@dataclass(frozen=True)
class Feedback:
    """Why a check did not pass, for the learner: expected, got, where, what next."""

    expected: str
    got: str
    where: str = ""
    next_step: str = ""
    log: tuple[str, ...] = ()
    plans: tuple[Plan, ...] = ()
    exchange: Exchange | None = None


@dataclass(frozen=True)
class CheckResult:
    """One pytest item after it ran."""

    check: str
    requirement: str
    stage: str
    outcome: Outcome
    duration_s: float
    assertions: int = 0
    feedback: Feedback | None = None


@dataclass(frozen=True)
class Interval:
    """An estimate with the 90 % interval around it."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class ThresholdResult:
    """One limit of the manifest, judged; `ratio` is None when it is unknown or has no bound."""

    requirement: str
    profile: str
    metric: str
    outcome: Outcome
    sentence: str
    measured: float | None = None
    reference: float | None = None
    ratio: Interval | None = None
    max: float | None = None
    max_ratio: float | None = None
    slope: float | None = None
    max_slope: float | None = None


@dataclass(frozen=True)
class TargetFigures:
    """What one target of a load run showed; times in milliseconds."""

    offered: int
    completed: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    worst_ms: float | None
    cpu_ms_per_request: float | None
    requests_by_class: dict[str, int] = field(default_factory=dict)
    first_errors: tuple[str, ...] = ()
    probes: int = 0
    wrong_probes: int = 0


@dataclass(frozen=True)
class LoadFigures:
    """A load profile after its valid runs."""

    profile: str
    mode: str
    rate_rps: float | None
    runs: int
    invalid_runs: tuple[str, ...]
    send_lag_p99_ms: float | None
    submission: TargetFigures
    reference: TargetFigures | None
    per_request: dict[str, float] = field(default_factory=dict)
    by_turns: bool = False
    reference_alone_p95_ms: float | None = None
    foreign_cores: float | None = None
    series: LoadSeries | None = None
    work: tuple[Work, ...] = ()


@dataclass(frozen=True)
class RequirementResult:
    """One promise of the lab, with what its checks said, and what its breach means to others."""

    id: str
    title: str
    stage: str
    outcome: Outcome
    points: int
    earned: int
    reason: str = ""
    checks: tuple[CheckResult, ...] = ()
    impact: str = ""
    references: tuple[str, ...] = ()
    read: str = ""


@dataclass(frozen=True)
class EstimateResult:
    """A figure the learner predicted, beside the measured one; `factor` is predicted / measured."""

    key: str
    title: str
    unit: str
    predicted: float | None
    measured: float | None
    factor: float | None


@dataclass(frozen=True)
class Problem:
    """A GradingError that ended the grade."""

    culprit: str
    problem: str
    next_step: str
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class LookAlike:
    """A known mistake that a submission's failure looks like; `score` is 1 for the same failure.

    `checks` are the evidence: they fail in the same manner.
    """

    mutant: str
    requirement: str
    misconception: str
    read: str
    checks: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Verdict:
    """The whole submission's outcome; `complete` is false when stages were left out on request."""

    outcome: Outcome
    earned: int
    points: int
    complete: bool
    sentence: str

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 2 could not grade, 3 inconclusive."""
        return {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.INCONCLUSIVE: 3}.get(self.outcome, 2)


@dataclass(frozen=True)
class Report:
    """Everything written down of one attempt; `report.json` is this, times are UTC ISO 8601."""

    schema_version: int
    attempt: str
    lab: str
    title: str
    started_at: str
    duration_s: float
    seed: int
    submission: str
    content_hash: str
    machine: dict[str, str]
    phases_s: dict[str, float]
    verdict: Verdict
    requirements: tuple[RequirementResult, ...]
    thresholds: tuple[ThresholdResult, ...]
    loads: tuple[LoadFigures, ...]
    estimates: tuple[EstimateResult, ...]
    problem: Problem | None
    log: tuple[str, ...]
    look_alike: LookAlike | None = None
    timelines: tuple[Timeline, ...] = ()
    growth: tuple[Work, ...] = ()
