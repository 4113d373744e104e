"""Judging one limit: passed, failed, or not decided yet."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from graders.manifest import Threshold
from graders.model import Interval, Outcome, ThresholdResult, worst
from graders.samples import REFERENCE, SUBMISSION, Floats, Samples
from graders.thresholds.bootstrap import bootstrap, divide, error_fraction, interval

NAMES = {
    "p50_ms": "The median time (p50)",
    "p95_ms": "The p95 time",
    "p99_ms": "The p99 time",
    "error_fraction": "The share of failed requests",
    "over_slo_fraction": "The share of requests over the time limit",
    "cpu_ms_per_request": "CPU time per request",
    "sql_per_request": "SQL statements per request",
    "redis_per_request": "Redis commands per request",
    "blocks_per_request": "Database blocks touched per request",
    "rows_per_request": "Table rows read per request",
    "temp_blocks_per_request": "Temporary blocks written per request",
    "wal_bytes_per_request": "Bytes of write-ahead log per request",
    "bytes_per_request": "Bytes sent per request",
}
Judgement = tuple[Outcome, str]


def judge_timed(threshold: Threshold, profile: str, runs: Sequence[Samples]) -> ThresholdResult:
    """Judge a limit on a timed profile from the valid runs so far, pooled."""
    if threshold.metric == "error_fraction":
        fraction = error_fraction(runs, SUBMISSION)
        return judge_count(threshold, profile, {None: {threshold.metric: fraction}})
    values = bootstrap(threshold.metric, runs, threshold.slo_ms)
    judgements, ratio = [], None
    if threshold.metric == "over_slo_fraction":
        judgements.append(_judge_excess(threshold, values))
    elif threshold.max is not None:
        judgements.append(_judge_ceiling(threshold.max, values))
    if threshold.max_ratio is not None:
        ratio = interval(divide(values[SUBMISSION], values[REFERENCE]))
        judgements.append(_judge_ratio(threshold.max_ratio, ratio))
    reference = interval(values[REFERENCE]).estimate if len(values) > 1 else math.nan
    return ThresholdResult(
        requirement=threshold.requirement,
        profile=profile,
        metric=threshold.metric,
        outcome=worst([outcome for outcome, _ in judgements]),
        sentence=f"{NAMES[threshold.metric]} is {', and '.join(words for _, words in judgements)}.",
        measured=_finite(float(values[SUBMISSION][0])),
        reference=_finite(reference),
        ratio=ratio if ratio and _is_finite(ratio) else None,
        max=threshold.max,
        max_ratio=threshold.max_ratio,
    )


def _judge_ratio(limit: float, ratio: Interval) -> Judgement:
    words = f"{_span(ratio)} × the reference solution's in the same run (limit {limit:g} ×)"
    return _compare(ratio, limit), words


def _judge_ceiling(limit: float, values: list[Floats]) -> Judgement:
    ours = interval(values[SUBMISSION])
    words = f"{_span(ours)} ms (limit {limit:g} ms)"
    if len(values) > 1 and not (theirs := interval(values[REFERENCE])).high <= limit:
        words += f", but the reference solution's is {_span(theirs)} ms: this machine can't tell"
        return Outcome.ERROR, words
    return _compare(ours, limit), words


def _judge_excess(threshold: Threshold, values: list[Floats]) -> Judgement:
    limit = threshold.max or 0.0
    excess = interval(values[SUBMISSION] - values[REFERENCE])
    words = (
        f"{values[SUBMISSION][0]:.1%} over {threshold.slo_ms:g} ms, the reference solution's "
        f"{values[REFERENCE][0]:.1%} (limit {limit:.1%} more)"
    )
    return _compare(excess, limit), words


def judge_count(
    threshold: Threshold, profile: str, per_size: Mapping[int | None, Mapping[str, float]]
) -> ThresholdResult:
    """Judge a limit on figures without noise, measured at each of the profile's sizes (or None)."""
    values = {size: one.get(threshold.metric, math.nan) for size, one in per_size.items()}
    worst_value = max(values.values(), default=math.nan)
    judgements, slope = [], None
    if not values or any(math.isnan(value) for value in values.values()):
        judgements.append((Outcome.ERROR, "not measured"))
    else:
        if threshold.max is not None:
            outcome = Outcome.PASSED if worst_value <= threshold.max else Outcome.FAILED
            judgements.append((outcome, f"{worst_value:.3g} (limit {threshold.max:g})"))
        if threshold.max_slope is not None:
            slope = growth_slope(_by_size(values))
            judgements.append(_judge_slope(threshold.max_slope, slope, values))
    return ThresholdResult(
        requirement=threshold.requirement,
        profile=profile,
        metric=threshold.metric,
        outcome=worst([outcome for outcome, _ in judgements]),
        sentence=f"{NAMES[threshold.metric]}: {', and '.join(words for _, words in judgements)}.",
        measured=_finite(worst_value),
        max=threshold.max,
        max_ratio=threshold.max_ratio,
        slope=slope if slope is None else _finite(slope),
        max_slope=threshold.max_slope,
    )


def _by_size(values: Mapping[int | None, float]) -> list[tuple[int, float]]:
    return sorted((size, value) for size, value in values.items() if size is not None)


def _judge_slope(limit: float, slope: float, values: Mapping[int | None, float]) -> Judgement:
    """Judge the exponent b of value = a · size^b, from the least to the largest size."""
    shown = " → ".join(f"{value:.3g} at {size:,}" for size, value in _by_size(values))
    outcome = Outcome.PASSED if slope <= limit else Outcome.FAILED
    if math.isnan(slope):
        outcome = Outcome.ERROR
    return outcome, f"{shown} rows, growing like rows^{slope:.2f} (limit {limit:g})"


def growth_slope(points: Sequence[tuple[int, float]]) -> float:
    """Return the slope of log(value) over log(size) by least squares; less than 1 counts as 1."""
    sizes, values = np.array([one[0] for one in points]), np.array([one[1] for one in points])
    if len(points) < 2 or (values < 0).any():
        return math.nan
    # Less than one a request is work that only some cause, like those that miss a cold cache
    # together: how many do is chance, and no growth.
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(values, 1.0)), 1)[0])


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
