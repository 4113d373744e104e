"""Judging one limit: passed, failed, or not decided yet."""

import math
from collections.abc import Mapping, Sequence

from graders.manifest import Threshold
from graders.model import Interval, Outcome, ThresholdResult, worst
from graders.samples import REFERENCE, SUBMISSION, Samples
from graders.thresholds.bootstrap import bootstrap, divide, error_fraction, interval

NAMES = {
    "p50_ms": "The median time (p50)",
    "p95_ms": "The p95 time",
    "p99_ms": "The p99 time",
    "error_fraction": "The share of failed requests",
    "cpu_ms_per_request": "CPU time per request",
    "sql_per_request": "SQL statements per request",
    "redis_per_request": "Redis commands per request",
}


def judge_timed(threshold: Threshold, profile: str, runs: Sequence[Samples]) -> ThresholdResult:
    """Judge a limit on a timed profile from the valid runs so far, pooled."""
    if threshold.metric == "error_fraction":
        fraction = error_fraction(runs, SUBMISSION)
        return judge_count(threshold, profile, {"error_fraction": fraction})
    values = bootstrap(threshold.metric, runs)
    outcomes, sentences, ratio = [], [], None
    if threshold.max_ratio is not None:
        ratio = interval(divide(values[SUBMISSION], values[REFERENCE]))
        outcomes.append(_compare(ratio, threshold.max_ratio))
        sentences.append(
            f"{_span(ratio)} × the reference solution's in the same run "
            f"(limit {threshold.max_ratio:g} ×)"
        )
    measured = interval(values[SUBMISSION])
    if threshold.max is not None:
        outcomes.append(_compare(measured, threshold.max))
        sentences.append(f"{_span(measured)} ms (limit {threshold.max:g} ms)")
    return ThresholdResult(
        requirement=threshold.requirement,
        profile=profile,
        metric=threshold.metric,
        outcome=worst(outcomes),
        sentence=f"{NAMES[threshold.metric]} is {', and '.join(sentences)}.",
        measured=_finite(measured.estimate),
        reference=_finite(interval(values[REFERENCE]).estimate) if len(values) > 1 else None,
        ratio=ratio if ratio and _is_finite(ratio) else None,
        max=threshold.max,
        max_ratio=threshold.max_ratio,
    )


def judge_count(
    threshold: Threshold, profile: str, per_request: Mapping[str, float]
) -> ThresholdResult:
    """Judge a limit on a figure that has no noise."""
    value = per_request.get(threshold.metric, math.nan)
    limit = threshold.max
    if limit is None or math.isnan(value):
        outcome, sentence = Outcome.ERROR, f"{NAMES[threshold.metric]} was not measured."
    else:
        outcome = Outcome.PASSED if value <= limit else Outcome.FAILED
        sentence = f"{NAMES[threshold.metric]}: {value:.3g} (limit {limit:g})."
    return ThresholdResult(
        requirement=threshold.requirement,
        profile=profile,
        metric=threshold.metric,
        outcome=outcome,
        sentence=sentence,
        measured=_finite(value),
        max=limit,
        max_ratio=threshold.max_ratio,
    )


def _compare(interval: Interval, limit: float) -> Outcome:
    if interval.high <= limit:
        return Outcome.PASSED
    if interval.low > limit:
        return Outcome.FAILED
    return Outcome.INCONCLUSIVE


def _span(interval: Interval) -> str:
    low, high = f"{interval.low:.2f}", f"{interval.high:.2f}"
    span = low if low == high else f"{low} to {high}"
    return span.replace("inf", "∞")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _is_finite(interval: Interval) -> bool:
    return all(math.isfinite(one) for one in (interval.estimate, interval.low, interval.high))
