"""The course of a load run in a few hundred numbers, for the report's pictures. Pure."""

import math
from collections.abc import Sequence

import numpy as np

from graders.model import Curve, LoadSeries, Mark, Rates, TargetSeries
from graders.samples import REFERENCE, SUBMISSION, Floats, Samples
from graders.thresholds.bootstrap import BOOTSTRAP_SEED, INTERVAL_PERCENT, by_block, latencies

BINS_PER_DECADE, MOST_BINS = (20, 10, 5, 2, 1), 40
LEAST_MS = 1e-3  # what a clock calls nothing has a logarithm, too
PERCENTS = (0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97, 98, 99, 99.5, 99.9)
SURE_PERCENT = 95.0
MOST_SPANS = 60
CURVE_RESAMPLES = 200
DIGITS = 4


def load_series(runs: Sequence[Samples], faults: Sequence[Mark] = ()) -> LoadSeries:
    """Return what the valid runs of a timed profile showed, pooled; times of `faults` are theirs.

    A request that failed or was never answered has no time; the percentiles count it as infinite.
    """
    targets = range(len(runs[0].offered))
    percents = _percents(runs)
    edges_ms = _edges_ms([_answered_ms(runs, target) for target in targets])
    edges_s = _edges_s(runs)
    drawn = [
        TargetSeries(
            counts=tuple(np.histogram(_answered_ms(runs, target), edges_ms)[0].tolist()),
            curve=_curve(runs, target, percents),
            rates=_rates(runs, target, edges_s),
        )
        for target in targets
    ]
    return LoadSeries(
        edges_ms=_rounded(edges_ms),
        percents=percents,
        edges_s=_rounded(edges_s),
        run_ends_s=_rounded(np.cumsum([run.duration_s for run in runs])),
        submission=drawn[SUBMISSION],
        reference=drawn[REFERENCE] if len(drawn) > 1 else None,
        faults=tuple(faults),
    )


def faults_of(runs: Sequence[Samples]) -> list[Mark]:
    """Return what was out of order in each run, where the runs are one after the other."""
    begins_s = np.cumsum([0.0, *(run.duration_s for run in runs)]).tolist()
    return [
        Mark(round(begin_s + start_s, DIGITS), round(begin_s + end_s, DIGITS), what)
        for begin_s, run in zip(begins_s, runs, strict=False)
        for start_s, end_s, what in run.faults
    ]


def _answered_ms(runs: Sequence[Samples], target: int) -> Floats:
    times_ms = np.concatenate([latencies(run, target) for run in runs])
    answered_ms: Floats = np.maximum(times_ms[np.isfinite(times_ms)], LEAST_MS)
    return answered_ms


def _percents(runs: Sequence[Samples]) -> tuple[float, ...]:
    """Return the percents that so many requests can tell: beyond each lies at least one of them."""
    targets = range(len(runs[0].offered))
    fewest = min(sum(int((run.target == target).sum()) for run in runs) for target in targets)
    return tuple(
        float(one) for one in PERCENTS if one <= SURE_PERCENT or fewest * (1 - one / 100) >= 1
    )


def _edges_ms(times_ms: Sequence[Floats]) -> Floats:
    """Return borders of bins that are equally wide on a logarithmic axis and hold every time."""
    together = np.concatenate(times_ms)
    if not len(together):
        return np.array([1.0, 10.0])
    least, most = np.log10(together.min()), np.log10(together.max())
    for per_decade in BINS_PER_DECADE:
        first, last = math.floor(least * per_decade), math.floor(most * per_decade) + 1
        if last - first <= MOST_BINS:
            break
    edges_ms: Floats = 10.0 ** (np.arange(first, last + 1) / per_decade)
    edges_ms[0], edges_ms[-1] = min(edges_ms[0], together.min()), max(edges_ms[-1], together.max())
    return edges_ms


def _curve(runs: Sequence[Samples], target: int, percents: Sequence[float]) -> Curve:
    """Return percentiles with their interval by a block bootstrap, all of one redrawing at once."""
    blocks = [block for run in runs for block in by_block(run, target)]
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    draws = generator.integers(0, len(blocks), (CURVE_RESAMPLES, len(blocks)))
    redrawn = [_percentiles(blocks, draw, percents) for draw in draws]
    estimate = _percentiles(blocks, np.arange(len(blocks)), percents)
    if np.isnan(redrawn).any():  # so few requests that a redrawing may be without any
        return Curve(_known(estimate), (), ())
    low, high = np.percentile(redrawn, INTERVAL_PERCENT, axis=0, method="inverted_cdf")
    return Curve(_known(estimate), _known(low), _known(high))


def _percentiles(blocks: Sequence[Floats], draw: np.ndarray, percents: Sequence[float]) -> Floats:
    values = np.concatenate([blocks[index] for index in draw])
    if not len(values):
        return np.full(len(percents), np.nan)
    found: Floats = np.percentile(values, percents, method="inverted_cdf")
    return found


def _edges_s(runs: Sequence[Samples]) -> Floats:
    """Return borders of spans of a second, or as many seconds as keeps them few; none is empty."""
    end_s = max(sum(run.duration_s for run in runs), 1e-3)
    span_s = max(1, math.ceil(end_s / MOST_SPANS))
    return np.unique([*np.arange(0, end_s, span_s), end_s])


def _rates(runs: Sequence[Samples], target: int, edges_s: Floats) -> Rates:
    begin_s, due, achieved, failed = 0.0, [], [], []
    for run in runs:
        ours = run.target == target
        sent_s, ok = run.sent_s[ours], run.ok[ours]
        answered_s = sent_s + run.latency_ms[ours] / 1000
        ended_s = np.where(np.isfinite(answered_s), answered_s, sent_s)
        in_time = ended_s < run.duration_s  # what ended later must not count for the next run
        due_s = sent_s - run.late_ms[ours] / 1000
        due.append(begin_s + np.clip(due_s, 0, np.nextafter(run.duration_s, 0)))
        achieved.append(begin_s + ended_s[ok & in_time])
        failed.append(begin_s + ended_s[~ok & in_time])
        begin_s += run.duration_s
    return Rates(*(_per_second(times_s, edges_s) for times_s in (due, achieved, failed)))


def _per_second(times_s: Sequence[Floats], edges_s: Floats) -> tuple[float, ...]:
    return _rounded(np.histogram(np.concatenate(times_s), edges_s)[0] / np.diff(edges_s))


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values)


def _known(values: Floats) -> tuple[float | None, ...]:
    """Return rounded values; what is not finite becomes None."""
    return tuple(float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values)
