"""A metric of a load run with the interval around it, by a block bootstrap.

Requests of one second share their fate, so whole seconds are redrawn. A request that failed or was
never answered counts as infinitely slow.
"""

import math
from collections.abc import Sequence

import numpy as np

from graders.model import Interval
from graders.samples import SUBMISSION, Floats, Samples

RESAMPLES = 400
BOOTSTRAP_SEED = 20_240_229
INTERVAL_PERCENT = (5.0, 95.0)
PERCENTILES = {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0}


def bootstrap(metric: str, runs: Sequence[Samples], slo_ms: float | None = None) -> list[Floats]:
    """Return per target the metric on the real blocks (first) and on each redrawn set of blocks."""
    targets = range(len(runs[0].offered))
    latencies = [[block for run in runs for block in by_block(run, target)] for target in targets]
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
    if slo_ms is not None:
        over = [[_over(run, target, slo_ms) for run in runs] for target in targets]
        return [
            np.array([_share(np.concatenate(over[one], axis=1)[:, draw]) for draw in draws])
            for one in targets
        ]
    percent = PERCENTILES[metric]
    return [
        np.array([_percentile_of(latencies[one], draw, percent) for draw in draws])
        for one in targets
    ]


def by_block(run: Samples, target: int) -> list[Floats]:
    """Return a target's times in milliseconds, apart by the block in which they were sent."""
    latency_ms, blocks = latencies(run, target), run.blocks[run.target == target]
    return [latency_ms[blocks == block] for block in range(run.cpu_ms.shape[1])]


def _over(run: Samples, target: int, slo_ms: float) -> Floats:
    """Return per block how many requests took longer than the limit, and how many there were."""
    ours = run.target == target
    late = latencies(run, target) + run.late_ms[ours] > slo_ms  # from when it should have been sent
    count = run.cpu_ms.shape[1]
    blocks = run.blocks[ours]
    return np.array(
        [np.bincount(blocks[late], minlength=count), np.bincount(blocks, minlength=count)]
    )


def _share(counts: Floats) -> float:
    return _quotient(counts[0].sum(), counts[1].sum())


def _percentile_of(blocks: Sequence[Floats], draw: np.ndarray, percent: float) -> float:
    values = np.concatenate([blocks[index] for index in draw])
    if not len(values):
        return math.nan
    return float(np.percentile(values, percent, method="inverted_cdf"))


def _quotient(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan


def divide(numerators: Floats, denominators: Floats) -> Floats:
    """Divide without complaint; what has no quotient becomes NaN or infinite."""
    with np.errstate(all="ignore"):
        return numerators / denominators


def interval(values: Floats) -> Interval:
    """Return the estimate (first value) and the interval of the redrawn ones; NaN if unknown."""
    if np.isnan(values).any():
        return Interval(float(values[0]), math.nan, math.nan)
    low, high = np.percentile(values[1:], INTERVAL_PERCENT, method="inverted_cdf")
    return Interval(float(values[0]), float(low), float(high))


def latencies(run: Samples, target: int) -> Floats:
    """Return a target's times in milliseconds, infinite where the request failed."""
    ours = run.target == target
    return np.where(run.ok[ours], run.latency_ms[ours], np.inf)


def error_fraction(runs: Sequence[Samples], target: int) -> float:
    """Return the share of a target's requests that failed; NaN without requests."""
    ok = np.concatenate([run.ok[run.target == target] for run in runs])
    return float((~ok).mean()) if len(ok) else math.nan
