"""Judging load runs: three-valued, with intervals, and never in favour of missing data. Pure.

A ratio compares the submission with the reference solution in the same runs. Its 90 % interval
comes from a block bootstrap: requests of one second share their fate, so whole seconds are redrawn.
A request that failed or was never answered counts as infinitely slow.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from graders.manifest import LoadProfile, Threshold
from graders.model import (
    Interval,
    LoadFigures,
    Outcome,
    TargetFigures,
    ThresholdResult,
    worst,
)
from graders.samples import REFERENCE, SUBMISSION, Floats, Samples

RESAMPLES = 400
BOOTSTRAP_SEED = 20_240_229
INTERVAL_PERCENT = (5.0, 95.0)
REFERENCE_ERROR_FRACTION = 0.01
LEAST_REQUESTS_FRACTION = 0.5
LAG_LIMIT_MS, LAG_LIMIT_FRACTION, GENERATOR_CORES_LIMIT = 6.0, 0.1, 0.7
PERCENTILES = {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0}
NAMES = {
    "p50_ms": "The median time (p50)",
    "p95_ms": "The p95 time",
    "p99_ms": "The p99 time",
    "error_fraction": "The share of failed requests",
    "cpu_ms_per_request": "CPU time per request",
    "sql_per_request": "SQL statements per request",
    "redis_per_request": "Redis commands per request",
}


def invalid_reason(samples: Samples, profile: LoadProfile) -> str | None:
    """Say why a run can't be used: the generator was late or busy. None for a clean run."""
    limits_ms = [one.max for one in profile.thresholds if one.metric in PERCENTILES and one.max]
    lag_limit_ms = max(LAG_LIMIT_MS, LAG_LIMIT_FRACTION * min(limits_ms, default=0.0))
    lag_ms, cores = samples.send_lag_p99_ms, samples.generator_cores
    if not lag_ms <= lag_limit_ms:
        return f"requests were sent up to {lag_ms:.0f} ms late (p99; limit {lag_limit_ms:.0f} ms)"
    if not cores <= GENERATOR_CORES_LIMIT:
        return f"the load generator used {cores:.2f} cores (limit {GENERATOR_CORES_LIMIT})"
    return None


def void_reason(runs: Sequence[Samples], profile: LoadProfile) -> str | None:
    """Say why valid runs prove nothing: requests or classes missing, a sick reference."""
    for target in range(len(runs[0].offered)):
        counts: dict[str, int] = {}
        for run in runs:
            for name, count in run.requests_by_class(target).items():
                counts[name] = counts.get(name, 0) + count
        expected = profile.rate_rps * sum(run.duration_s for run in runs)
        if sum(counts.values()) < LEAST_REQUESTS_FRACTION * expected:
            return f"only {sum(counts.values())} of about {expected:.0f} requests were sent"
        for name, share in profile.classes.items():
            if counts.get(name, 0) < share * sum(counts.values()):
                return (
                    f"requests of class {name!r} were {counts.get(name, 0)} of "
                    f"{sum(counts.values())}; the profile promises a share of at least {share:g}"
                )
    return _sick_reference(runs)


def _sick_reference(runs: Sequence[Samples]) -> str | None:
    if len(runs[0].offered) < 2:
        return None
    fraction = _error_fraction(runs, REFERENCE)
    if not fraction <= REFERENCE_ERROR_FRACTION:
        errors = [line for run in runs for line in run.errors[REFERENCE]]
        return f"the reference solution failed {fraction:.1%} of its requests ({errors[:1]})"
    return None


def judge_timed(threshold: Threshold, profile: str, runs: Sequence[Samples]) -> ThresholdResult:
    """Judge a limit on a timed profile from the valid runs so far, pooled."""
    if threshold.metric == "error_fraction":
        fraction = _error_fraction(runs, SUBMISSION)
        return judge_count(threshold, profile, {"error_fraction": fraction})
    values = _bootstrap(threshold.metric, runs)
    outcomes, sentences, ratio = [], [], None
    if threshold.max_ratio is not None:
        ratio = _interval(_divide(values[SUBMISSION], values[REFERENCE]))
        outcomes.append(_compare(ratio, threshold.max_ratio))
        sentences.append(
            f"{_span(ratio)} × the reference solution's in the same run "
            f"(limit {threshold.max_ratio:g} ×)"
        )
    measured = _interval(values[SUBMISSION])
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
        reference=_finite(_interval(values[REFERENCE]).estimate) if len(values) > 1 else None,
        ratio=ratio,
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


def timed_figures(
    name: str, profile: LoadProfile, runs: Sequence[Samples], invalid: Sequence[str]
) -> LoadFigures:
    """Summarise the valid runs of a timed profile for the report."""
    compared = len(runs[0].offered) > 1
    return LoadFigures(
        profile=name,
        mode="timed",
        rate_rps=profile.rate_rps,
        runs=len(runs),
        invalid_runs=tuple(invalid),
        send_lag_p99_ms=_finite(max(run.send_lag_p99_ms for run in runs)),
        submission=target_figures(runs, SUBMISSION),
        reference=target_figures(runs, REFERENCE) if compared else None,
    )


def target_figures(runs: Sequence[Samples], target: int) -> TargetFigures:
    """Summarise what one target showed over several runs."""
    latency_ms = np.concatenate([_latencies(run, target) for run in runs])
    ok = np.concatenate([run.ok[run.target == target] for run in runs])
    by_class: dict[str, int] = {}
    for run in runs:
        for name, count in run.requests_by_class(target).items():
            by_class[name] = by_class.get(name, 0) + count
    cpu_ms = sum(float(run.cpu_ms[target].sum()) for run in runs)
    finite = latency_ms[np.isfinite(latency_ms)]
    return TargetFigures(
        offered=sum(run.offered[target] for run in runs),
        completed=int(np.isfinite(latency_ms).sum()),
        errors=int((~ok).sum()),
        p50_ms=_percentile(latency_ms, 50),
        p95_ms=_percentile(latency_ms, 95),
        p99_ms=_percentile(latency_ms, 99),
        worst_ms=_finite(float(finite.max())) if len(finite) else None,
        cpu_ms_per_request=_finite(cpu_ms / len(latency_ms)) if len(latency_ms) else None,
        requests_by_class=by_class,
        first_errors=tuple(dict.fromkeys(line for run in runs for line in run.errors[target]))[:5],
    )


def _latencies(run: Samples, target: int) -> Floats:
    ours = run.target == target
    return np.where(run.ok[ours], run.latency_ms[ours], np.inf)


def _percentile(values: Floats, percent: float) -> float | None:
    if not len(values):
        return None
    return _finite(float(np.percentile(values, percent, method="inverted_cdf")))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _error_fraction(runs: Sequence[Samples], target: int) -> float:
    ok = np.concatenate([run.ok[run.target == target] for run in runs])
    return float((~ok).mean()) if len(ok) else math.nan


def _bootstrap(metric: str, runs: Sequence[Samples]) -> list[Floats]:
    """Return per target the metric on the real blocks (first) and on each redrawn set of blocks."""
    targets = range(len(runs[0].offered))
    latencies = [[block for run in runs for block in _by_block(run, target)] for target in targets]
    cpu_ms = [np.concatenate([run.cpu_ms[target] for run in runs]) for target in targets]
    count = len(cpu_ms[SUBMISSION])
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    draws = [np.arange(count), *generator.integers(0, count, (RESAMPLES, count))]
    if metric == "cpu_ms_per_request":
        sizes = [np.array([len(block) for block in latencies[target]]) for target in targets]
        return [
            np.array([_quotient(cpu_ms[one][draw].sum(), sizes[one][draw].sum()) for draw in draws])
            for one in targets
        ]
    percent = PERCENTILES[metric]
    return [
        np.array([_percentile_of(latencies[one], draw, percent) for draw in draws])
        for one in targets
    ]


def _by_block(run: Samples, target: int) -> list[Floats]:
    latency_ms, blocks = _latencies(run, target), run.blocks[run.target == target]
    return [latency_ms[blocks == block] for block in range(run.cpu_ms.shape[1])]


def _percentile_of(blocks: Sequence[Floats], draw: np.ndarray, percent: float) -> float:
    values = np.concatenate([blocks[index] for index in draw])
    if not len(values):
        return math.nan
    return float(np.percentile(values, percent, method="inverted_cdf"))


def _quotient(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan


def _divide(numerators: Floats, denominators: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return numerators / denominators


def _interval(values: Floats) -> Interval:
    """Return the estimate (first value) and the interval of the redrawn ones; NaN if unknown."""
    if np.isnan(values).any():
        return Interval(float(values[0]), math.nan, math.nan)
    low, high = np.percentile(values[1:], INTERVAL_PERCENT, method="inverted_cdf")
    return Interval(float(values[0]), float(low), float(high))


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
