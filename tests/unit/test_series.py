"""The course of a load run in a few hundred numbers: the laws it keeps, whatever was measured."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.manifest import LoadProfile, Threshold
from graders.model import LoadSeries, Mark, TargetSeries
from graders.samples import Samples
from graders.thresholds import load_series, series, work_of
from graders.thresholds.series import MOST_BINS, MOST_SPANS, PERCENTS

Run = Callable[..., Samples]


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    """Redraw less often than a grade does: the laws hold for any number, and this saves time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series, "CURVE_RESAMPLES", 40)
        yield


LATENCIES_MS = st.lists(st.floats(0.0, 60_000.0), max_size=30)


def sides(series: LoadSeries) -> list[TargetSeries]:
    return [series.submission, *([series.reference] if series.reference else [])]


def never_answered(run: Samples, indices: Sequence[int]) -> Samples:
    latency_ms, ok = run.latency_ms.copy(), run.ok.copy()
    latency_ms[list(indices)], ok[list(indices)] = np.inf, False
    return dataclasses.replace(run, latency_ms=latency_ms, ok=ok)


@given(ours=LATENCIES_MS, theirs=LATENCIES_MS, failed=st.sets(st.integers(0, 59)))
def test_every_right_answer_is_in_one_bin(
    make_run: Run, ours: list[float], theirs: list[float], failed: set[int]
) -> None:
    kept = [one for one in failed if one < len(ours) + len(theirs)]
    run = make_run([ours, theirs], failed=kept)
    drawn = load_series([run])
    for number, side in enumerate(sides(drawn)):
        assert sum(side.counts) == int(run.ok[run.target == number].sum())
        assert len(side.counts) == len(drawn.edges_ms) - 1 <= MOST_BINS
    assert list(drawn.edges_ms) == sorted(set(drawn.edges_ms))


@given(ours=LATENCIES_MS, theirs=LATENCIES_MS, failed=st.sets(st.integers(0, 29)))
def test_curves_rise_and_lie_within_what_was_measured(
    make_run: Run, ours: list[float], theirs: list[float], failed: set[int]
) -> None:
    run = make_run([ours, theirs], failed=[one for one in failed if one < len(ours)])
    for side in sides(load_series([run])):
        curve = side.curve
        for times_ms in (curve.estimate_ms, curve.low_ms, curve.high_ms):
            as_slow = [math.inf if one is None else one for one in times_ms]
            assert as_slow == sorted(as_slow)
        for low, high in zip(curve.low_ms, curve.high_ms, strict=True):
            assert high is None or (low is not None and low <= high)


@given(ours=st.lists(st.floats(0.1, 900.0), min_size=1, max_size=30), runs=st.integers(1, 3))
def test_every_request_is_offered_once_and_ends_at_most_once(
    make_run: Run, ours: list[float], runs: int
) -> None:
    drawn = load_series([make_run([ours, ours])] * runs)
    spans_s = np.diff(drawn.edges_s)
    for side in sides(drawn):
        offered = float(np.dot(side.rates.offered_rps, spans_s))
        ended = float(np.dot(side.rates.achieved_rps, spans_s))
        assert offered == pytest.approx(runs * len(ours), rel=1e-3)
        assert ended <= offered * 1.001
    assert drawn.run_ends_s == tuple(6.0 * (number + 1) for number in range(runs))


def test_what_failed_is_as_slow_as_can_be_and_no_answer(make_run: Run) -> None:
    run = never_answered(make_run([[5.0] * 60, [5.0] * 60]), range(0, 60, 10))
    drawn = load_series([run])
    at = {percent: index for index, percent in enumerate(drawn.percents)}
    curve = drawn.submission.curve
    assert (curve.estimate_ms[at[50]], curve.estimate_ms[at[95]]) == (5.0, None)
    assert drawn.reference
    assert drawn.reference.curve.estimate_ms[at[95]] == 5.0
    assert sum(drawn.submission.counts) == 54
    assert drawn.submission.rates.failed_rps == (1.0,) * 6


def test_a_stall_is_a_hole_in_what_was_achieved_and_not_in_what_was_offered(make_run: Run) -> None:
    run = make_run([[1.0] * 60, [1.0] * 60])
    stalled = run.latency_ms.copy()
    seconds = run.sent_s[:60]
    in_it = (seconds >= 2) & (seconds < 4)
    stalled[:60] = np.where(in_it, (4.5 - seconds) * 1000, 1.0)
    rates = load_series([dataclasses.replace(run, latency_ms=stalled)]).submission.rates
    assert rates.offered_rps == (10.0,) * 6
    assert rates.achieved_rps == (10.0, 10.0, 0.0, 0.0, 30.0, 10.0)


def test_what_was_sent_late_is_offered_when_it_was_due(make_run: Run) -> None:
    run = make_run([[1.0] * 6, [1.0] * 6])
    late = dataclasses.replace(run, sent_s=run.sent_s + 0.95, late_ms=np.full(12, 900.0))
    assert load_series([late]).submission.rates.offered_rps == (1.0,) * 6


def test_the_interval_is_as_wide_as_the_seconds_differ(make_run: Run) -> None:
    uneven = load_series([make_run([[10.0] * 30 + [40.0] * 30, [10.0] * 60])])
    middle = uneven.percents.index(50.0)
    assert uneven.submission.curve.low_ms[middle] == 10.0
    assert uneven.submission.curve.high_ms[middle] == 40.0
    assert uneven.reference
    assert uneven.reference.curve.low_ms == uneven.reference.curve.high_ms


@pytest.mark.parametrize("latencies_ms", [[[], []], [[3.0], []], [[3.0], [4.0]], [[3.0]]])
def test_next_to_nothing_can_be_told_of_as_well(
    make_run: Run, latencies_ms: list[list[float]]
) -> None:
    drawn = load_series([make_run(latencies_ms)])
    assert (drawn.reference is None) == (len(latencies_ms) == 1)
    expected = 3.0 if latencies_ms[0] else None
    assert set(drawn.submission.curve.estimate_ms) == {expected}
    assert drawn.submission.curve.low_ms == drawn.submission.curve.high_ms == ()


def test_is_small_however_long_the_run_was(make_run: Run) -> None:
    latencies_ms = np.random.default_rng(7).lognormal(2, 2, 8_000).tolist()
    run = dataclasses.replace(make_run([latencies_ms] * 2), duration_s=1000.0)
    drawn = load_series([run] * 3)
    assert len(drawn.edges_s) <= MOST_SPANS + 1
    numbers = len(drawn.percents) + len(drawn.edges_ms) + len(drawn.edges_s)
    for side in sides(drawn):
        curve, rates = side.curve, side.rates
        numbers += len(side.counts) + 3 * len(curve.low_ms) + 3 * len(rates.failed_rps)
    assert drawn.percents == PERCENTS
    assert numbers < 800


def test_is_the_same_every_time_and_keeps_the_faults(make_run: Run) -> None:
    fault = Mark(1.0, 2.0, "Redis is cut off")
    run = make_run([[1.0, 2.0, 9.0] * 20, [1.0] * 60])
    assert load_series([run], [fault]) == load_series([run], [fault])
    assert load_series([run], [fault]).faults == (fault,)


def test_faults_of_several_runs_lie_where_the_runs_lie(make_run: Run) -> None:
    whole = make_run([[1.0] * 60, [1.0] * 60])
    cut = dataclasses.replace(whole, faults=((1.0, 1.5, "redis is cut off"),))
    found = [(one.start_s, one.end_s) for one in series.faults_of([cut, whole, cut])]
    assert found == [(1.0, 1.5), (13.0, 13.5)]


def test_percents_that_so_few_requests_can_not_tell_are_left_out(make_run: Run) -> None:
    assert max(load_series([make_run([[1.0] * 60, [1.0] * 60])]).percents) == 98
    assert max(load_series([make_run([[1.0] * 5, [1.0] * 60])]).percents) == 95


def test_work_has_a_point_for_every_size_and_the_limits_of_its_class() -> None:
    limits = [
        Threshold(requirement="few", metric="sql_per_request", endpoint="hot", max=3.0),
        Threshold(requirement="few", metric="sql_per_request", max=5.0),
        Threshold(requirement="flat", metric="rows_per_request", max_slope=0.2),
    ]
    profile = LoadProfile(
        user="U", mode="counted", classes={"hot": 1, "cold": 1}, sizes=[10, 40], thresholds=limits
    )
    counted = {
        (task, size): {"sql_per_request": 1.0, "rows_per_request": size * factor}
        for task, factor in (("hot", 1.0), ("cold", 2.0))
        for size in (10, 40)
    }
    found = {(one.title, one.of): one for one in work_of(profile, counted)}
    hot = found["SQL statements per request", "hot"]
    assert (hot.points, hot.max, hot.requirement) == (((10, 1.0), (40, 1.0)), 3.0, "few")
    assert found["SQL statements per request", "cold"].max == 5.0
    rows = found["Table rows read per request", "cold"]
    assert (rows.points, rows.max_slope) == (((10, 20.0), (40, 80.0)), 0.2)
