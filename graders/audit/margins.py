"""How much room each limit leaves: to the good solutions on one side, the bad ones on the other."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graders.audit.findings import Finding
from graders.manifest import Manifest, Threshold
from graders.model import Outcome, ThresholdResult

TIGHT = 1.25


@dataclass(frozen=True)
class Margin:
    """One limit beside what was measured; figures are ratios where the limit is one.

    `worst_good` are the largest figures of each solution, `nearest_bad` the smallest figure of a
    mutant that missed this limit; of ratios it is the end of the interval that lies nearer.
    """

    profile: str
    metric: str
    requirement: str
    bound: str
    limit: float
    reference: float | None
    worst_good: dict[str, float] = field(default_factory=dict)
    nearest_bad: tuple[str, float] | None = None

    @property
    def room_to_good(self) -> float:
        """How many times the worst good figure the limit is."""
        worst = max(self.worst_good.values(), default=math.nan)
        return self.limit / worst if worst else math.inf

    @property
    def room_to_bad(self) -> float:
        """How many times the limit the nearest bad figure is."""
        return self.nearest_bad[1] / self.limit if self.nearest_bad and self.limit else math.nan

    @property
    def is_tight(self) -> bool:
        """Say if noise could decide: too little room on either side."""
        return self.room_to_good < TIGHT or self.room_to_bad < TIGHT


def margins(manifest: Manifest, findings: Sequence[Finding]) -> list[Margin]:
    """Return the margin of every bound of every threshold that was measured."""
    return [
        margin
        for profile, one in manifest.load.items()
        for threshold in one.thresholds
        for margin in _of_threshold(profile, threshold, findings)
        if margin.worst_good
    ]


def never_missed(manifest: Manifest, findings: Sequence[Finding]) -> list[str]:
    """Return the limits that no mutant misses: they may be so wide that nobody can."""
    return [
        f"the limit on {threshold.metric} of load profile {profile!r} (requirement "
        f"{threshold.requirement}): no mutant misses it, so nothing shows that it can be missed"
        for profile, one in manifest.load.items()
        for threshold in one.thresholds
        if not any(
            result.outcome is Outcome.FAILED
            for finding in findings
            if finding.subject.role == "mutant"
            for result in _results(finding, profile, threshold)
        )
    ]


def _of_threshold(
    profile: str, threshold: Threshold, findings: Sequence[Finding]
) -> Iterator[Margin]:
    for bound in ("max", "max_ratio", "max_slope"):
        limit = getattr(threshold, bound)
        if limit is None:
            continue
        good: dict[str, float] = {}
        bad: list[tuple[float, str]] = []
        reference: list[float] = []
        for finding in findings:
            results = _results(finding, profile, threshold)
            end = "high" if finding.subject.role == "solution" else "low"
            known = (_figure(result, bound, end) for result in results)
            figures = [figure for figure in known if figure is not None]
            if finding.subject.role == "solution" and figures:
                good[finding.subject.name] = max(figures)
                reference += [one.reference for one in results if one.reference is not None]
            missed = [one for one in figures if one > limit]
            if finding.subject.role == "mutant" and missed:
                bad.append((min(missed), finding.subject.name))
        yield Margin(
            profile=profile,
            metric=threshold.metric,
            requirement=threshold.requirement,
            bound=bound,
            limit=limit,
            reference=max(reference, default=None),
            worst_good=good,
            nearest_bad=(min(bad)[1], min(bad)[0]) if bad else None,
        )


def _results(finding: Finding, profile: str, threshold: Threshold) -> list[ThresholdResult]:
    return [
        result
        for report in finding.reports
        for result in report.thresholds
        if (result.profile, result.metric, result.requirement)
        == (profile, threshold.metric, threshold.requirement)
        and (result.max, result.max_ratio) == (threshold.max, threshold.max_ratio)
    ]


def _figure(result: ThresholdResult, bound: str, end: str) -> float | None:
    """Return what a limit is compared with; infinite where a ratio has no finite value."""
    if bound == "max_ratio":
        return float(getattr(result.ratio, end)) if result.ratio else math.inf
    if bound == "max_slope":
        return result.slope
    return math.inf if result.measured is None else result.measured
