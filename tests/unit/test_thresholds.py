"""Judging load runs: the laws a judge of speed has to keep, and tables of cases."""

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.manifest import LoadProfile, Threshold
from graders.model import Outcome
from graders.samples import REFERENCE, SUBMISSION, TIMED_OUT, Samples
from graders.thresholds import (
    bootstrap,
    invalid_reason,
    is_disturbed,
    is_saturated,
    is_too_heavy,
    judge_count,
    judge_timed,
    target_figures,
    timed_figures,
    void_reason,
)
from graders.thresholds.judging import growth_slope

Run = Callable[..., Samples]
TIMES = ["p50_ms", "p95_ms", "p99_ms"]
LATENCIES_MS = st.lists(st.floats(0.1, 1000.0), min_size=6, max_size=12)
PROBES = {"requirement": "right", "user": "ProbeUser"}
SCALES = st.floats(0.01, 100.0)


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    """Redraw less often than a grade does: the laws hold for any number, and this saves time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "RESAMPLES", 40)
        yield


def limit(metric: str = "p95_ms", **limits: float) -> Threshold:
    return Threshold(requirement="fast", metric=metric, **limits)  # type: ignore[arg-type]


def profile(*limits: Threshold, **fields: object) -> LoadProfile:
    return LoadProfile(user="PageUser", thresholds=list(limits), **fields)  # type: ignore[arg-type]


class TestTheRatioToTheReference:
    @settings(max_examples=15)
    @given(ours=LATENCIES_MS, theirs=LATENCIES_MS, scale=SCALES, metric=st.sampled_from(TIMES))
    def test_is_the_same_on_a_machine_that_is_slower_for_both(
        self, make_run: Run, ours: list[float], theirs: list[float], scale: float, metric: str
    ) -> None:
        slower = make_run([[one * scale for one in ours], [one * scale for one in theirs]])
        results = [
            judge_timed(limit(metric, max_ratio=2.0), "pages", [run])
            for run in (make_run([ours, theirs]), slower)
        ]
        assert results[0].ratio
        assert results[1].ratio
        for name in ("estimate", "low", "high"):
            values = [getattr(result.ratio, name) for result in results]
            assert values[0] == pytest.approx(values[1])

    @settings(max_examples=15)
    @given(ours=LATENCIES_MS, theirs=LATENCIES_MS, metric=st.sampled_from(TIMES))
    def test_is_turned_over_when_the_sides_are_swapped(
        self, make_run: Run, ours: list[float], theirs: list[float], metric: str
    ) -> None:
        one = judge_timed(limit(metric, max_ratio=2.0), "pages", [make_run([ours, theirs])])
        other = judge_timed(limit(metric, max_ratio=2.0), "pages", [make_run([theirs, ours])])
        assert one.ratio
        assert other.ratio
        assert one.ratio.estimate == pytest.approx(1 / other.ratio.estimate)

    @settings(max_examples=15)
    @given(
        times=LATENCIES_MS,
        metric=st.sampled_from([*TIMES, "cpu_ms_per_request"]),
        max_ratio=st.floats(1.01, 10.0),
    )
    def test_of_identical_sides_is_one_and_passes(
        self, make_run: Run, times: list[float], metric: str, max_ratio: float
    ) -> None:
        run = make_run([times, times])
        result = judge_timed(limit(metric, max_ratio=max_ratio), "pages", [run])
        assert result.ratio
        assert result.ratio.estimate == result.ratio.low == result.ratio.high == 1
        assert result.outcome is Outcome.PASSED

    @settings(max_examples=15)
    @given(ours=LATENCIES_MS, theirs=LATENCIES_MS, metric=st.sampled_from(TIMES))
    def test_lies_in_an_interval_that_the_samples_allow(
        self, make_run: Run, ours: list[float], theirs: list[float], metric: str
    ) -> None:
        run = make_run([ours, theirs])
        ratio = judge_timed(limit(metric, max_ratio=2.0), "pages", [run]).ratio
        least, most = min(ours) / max(theirs), max(ours) / min(theirs)
        assert ratio
        assert least <= ratio.low <= ratio.high <= most
        assert least <= ratio.estimate <= most

    def test_is_uncertain_when_the_seconds_differ_and_certain_when_they_do_not(
        self, make_run: Run
    ) -> None:
        steady = make_run([[20.0] * 60, [10.0] * 60])
        uneven = make_run([[10.0] * 30 + [40.0] * 30, [10.0] * 60])
        certain = judge_timed(limit("p50_ms", max_ratio=3.0), "pages", [steady]).ratio
        uncertain = judge_timed(limit("p50_ms", max_ratio=3.0), "pages", [uneven]).ratio
        assert certain
        assert certain.low == certain.high == 2.0
        assert uncertain
        assert (uncertain.low, uncertain.high) == (1.0, 4.0)

    @pytest.mark.parametrize(
        ("max_ratio", "outcome"),
        [(0.5, Outcome.FAILED), (2.0, Outcome.INCONCLUSIVE), (4.0, Outcome.PASSED)],
    )
    def test_is_judged_by_where_its_whole_interval_lies(
        self, make_run: Run, max_ratio: float, outcome: Outcome
    ) -> None:
        run = make_run([[10.0] * 30 + [40.0] * 30, [10.0] * 60])
        result = judge_timed(limit("p50_ms", max_ratio=max_ratio), "pages", [run])
        assert result.outcome is outcome
        assert f"limit {max_ratio:g} ×" in result.sentence

    def test_of_cpu_time_counts_what_each_request_cost(self, make_run: Run) -> None:
        run = make_run([[5.0] * 60, [5.0] * 30], cpu_ms=(60.0, 60.0))
        result = judge_timed(limit("cpu_ms_per_request", max_ratio=1.0), "pages", [run])
        assert result.ratio
        assert result.ratio.estimate == pytest.approx(0.5)
        assert result.measured == pytest.approx(6.0)
        assert result.reference == pytest.approx(12.0)

    def test_pools_all_runs(self, make_run: Run) -> None:
        runs = [make_run([[times] * 60, [10.0] * 60]) for times in (10.0, 30.0, 30.0)]
        result = judge_timed(limit("p50_ms", max_ratio=2.0), "pages", runs)
        assert result.ratio
        assert result.ratio.estimate == 3.0


class TestRequestsThatFailed:
    def test_count_as_infinitely_slow(self, make_run: Run) -> None:
        run = make_run([[1.0] * 60, [10.0] * 60], failed=range(0, 60, 2))
        result = judge_timed(limit("p95_ms", max_ratio=2.0, max=1000.0), "pages", [run])
        assert result.outcome is Outcome.FAILED
        assert result.measured is None
        assert "∞" in result.sentence

    def test_do_not_hide_the_percentile_of_the_others(self, make_run: Run) -> None:
        figures = target_figures([make_run([[2.0] * 60], failed=[7])], SUBMISSION)
        assert (figures.p50_ms, figures.p95_ms, figures.p99_ms) == (2.0, 2.0, None)
        assert (figures.completed, figures.errors, figures.worst_ms) == (59, 1, 2.0)
        assert figures.first_errors == ("500 for GET /",)

    @settings(max_examples=15)
    @given(
        ours=LATENCIES_MS,
        theirs=LATENCIES_MS,
        few=st.sets(st.integers(0, 5), max_size=3),
        more=st.sets(st.integers(0, 5)),
        metric=st.sampled_from([*TIMES, "error_fraction"]),
        allowed=st.floats(0.0, 3.0),
    )
    def test_never_turn_a_failure_into_a_pass(
        self,
        make_run: Run,
        ours: list[float],
        theirs: list[float],
        few: set[int],
        more: set[int],
        metric: str,
        allowed: float,
    ) -> None:
        threshold = limit(metric, max=allowed * 100)
        if metric == "error_fraction":
            threshold = limit(metric, max=allowed / 3)
        elif allowed:
            threshold = limit(metric, max_ratio=allowed)
        before, after = (
            judge_timed(threshold, "pages", [make_run([ours, theirs], failed=sorted(failed))])
            for failed in (few, few | more)
        )
        assert after.outcome is not Outcome.PASSED or before.outcome is Outcome.PASSED

    @pytest.mark.parametrize(
        ("failed", "outcome"), [(0, Outcome.PASSED), (6, Outcome.PASSED), (7, Outcome.FAILED)]
    )
    def test_are_a_fraction_of_all(self, make_run: Run, failed: int, outcome: Outcome) -> None:
        run = make_run([[1.0] * 60, [1.0] * 60], failed=range(failed))
        result = judge_timed(limit("error_fraction", max=0.1), "pages", [run])
        assert result.outcome is outcome
        assert result.measured == pytest.approx(failed / 60)


class TestMissingData:
    @pytest.mark.parametrize("metric", [*TIMES, "cpu_ms_per_request"])
    @pytest.mark.parametrize("sides", [([], [1.0] * 60), ([1.0] * 60, []), ([], [])])
    def test_never_passes_a_ratio(
        self, make_run: Run, metric: str, sides: tuple[list[float], list[float]]
    ) -> None:
        run = make_run(sides)
        result = judge_timed(limit(metric, max_ratio=1e9), "pages", [run])
        assert result.outcome is not Outcome.PASSED

    @pytest.mark.parametrize("metric", [*TIMES, "cpu_ms_per_request", "error_fraction"])
    def test_never_passes_an_absolute_limit(self, make_run: Run, metric: str) -> None:
        result = judge_timed(limit(metric, max=1e9), "pages", [make_run([[], [1.0] * 60])])
        assert result.outcome is not Outcome.PASSED
        assert result.measured is None

    def test_of_both_sides_failing_decides_nothing(self, make_run: Run) -> None:
        run = make_run([[1.0] * 60, [1.0] * 60], failed=range(120))
        result = judge_timed(limit("p50_ms", max_ratio=2.0), "pages", [run])
        assert result.outcome is Outcome.INCONCLUSIVE

    @pytest.mark.parametrize("value", [None, math.nan])
    def test_of_a_count_is_an_error_of_the_lab(self, value: float | None) -> None:
        counted = {} if value is None else {"sql_per_request": value}
        result = judge_count(limit("sql_per_request", max=5.0), "pages", {None: counted})
        assert result.outcome is Outcome.ERROR
        assert "not measured" in result.sentence

    def test_shows_as_no_figure_and_never_as_zero(self, make_run: Run) -> None:
        figures = target_figures([make_run([[], []])], SUBMISSION)
        assert figures.p50_ms is figures.p95_ms is figures.cpu_ms_per_request is None
        assert figures.worst_ms is None

    @pytest.mark.parametrize("failed", [[], range(30)])
    def test_is_never_written_as_an_interval_that_json_cannot_hold(
        self, make_run: Run, failed: list[int]
    ) -> None:
        run = make_run([[1.0] * 60, []] if not failed else [[1.0] * 60] * 2, failed=failed)
        result = judge_timed(limit("p95_ms", max_ratio=2.0), "pages", [run])
        assert result.ratio is None
        assert result.outcome is not Outcome.PASSED


@pytest.mark.parametrize(
    ("value", "outcome"),
    [(0.0, Outcome.PASSED), (0.1, Outcome.PASSED), (0.1001, Outcome.FAILED)],
)
def test_a_count_is_judged_sharply(value: float, outcome: Outcome) -> None:
    result = judge_count(
        limit("sql_per_request", max=0.1), "hot", {None: {"sql_per_request": value}}
    )
    assert result.outcome is outcome
    assert (result.profile, result.measured, result.max) == ("hot", value, 0.1)


@pytest.mark.parametrize(
    ("max_ratio", "max_ms", "outcome"),
    [
        (2.0, 100.0, Outcome.PASSED),
        (2.0, 10.0, Outcome.ERROR),  # the reference itself takes longer
        (1.0, 100.0, Outcome.FAILED),
        (1.0, 10.0, Outcome.FAILED),
    ],
)
def test_a_ratio_and_a_ceiling_both_have_to_hold(
    make_run: Run, max_ratio: float, max_ms: float, outcome: Outcome
) -> None:
    run = make_run([[30.0] * 60, [20.0] * 60])
    result = judge_timed(limit("p50_ms", max_ratio=max_ratio, max=max_ms), "pages", [run])
    assert result.outcome is outcome
    assert (result.measured, result.reference) == (30.0, 20.0)


@pytest.mark.parametrize(
    ("lag_ms", "cores", "max_ms", "words"),
    [
        (1.0, 0.3, None, None),
        (6.0, 0.7, None, None),
        (6.1, 0.3, None, "late"),
        (20.0, 0.3, 250.0, None),
        (26.0, 0.3, 250.0, "late"),
        (6.1, 0.3, 10.0, "late"),
        (1.0, 0.71, None, "cores"),
        (math.nan, 0.3, None, "late"),
        (1.0, math.nan, None, "cores"),
    ],
)
def test_a_late_or_busy_generator_accuses_itself(
    make_run: Run, lag_ms: float, cores: float, max_ms: float | None, words: str | None
) -> None:
    limits = [limit("p95_ms", max_ratio=2.0)] + ([limit("p95_ms", max=max_ms)] if max_ms else [])
    reason = invalid_reason(make_run([[1.0] * 60], lag_ms=lag_ms, cores=cores), profile(*limits))
    assert (reason is None) if words is None else (reason and words in reason)


def test_the_strictest_of_several_limits_decides_how_late_is_too_late(make_run: Run) -> None:
    limits = [limit("p95_ms", max=250.0), limit("p50_ms", max=70.0)]
    assert invalid_reason(make_run([[1.0] * 60], lag_ms=8.0), profile(*limits))


class TestRunsThatProveNothing:
    def test_are_told_from_good_ones(self, make_run: Run) -> None:
        run = make_run([[1.0] * 60, [1.0] * 60])
        assert void_reason([run], profile(rate_rps=10, classes={"page": 1.0})) is None

    @pytest.mark.parametrize("counts", [(29, 60), (60, 29), (0, 0)])
    def test_have_too_few_requests_on_a_side(self, make_run: Run, counts: tuple[int, int]) -> None:
        run = make_run([[1.0] * count for count in counts])
        reason = void_reason([run], profile(rate_rps=10))
        assert reason
        assert "of about 60 requests" in reason

    def test_lack_a_class_of_requests(self, make_run: Run) -> None:
        classes = (["page"] * 59 + ["post"]) * 2
        run = make_run([[1.0] * 60, [1.0] * 60], classes=classes)
        promised = profile(rate_rps=10, classes={"page": 0.9, "post": 0.05})
        reason = void_reason([run], promised)
        assert reason
        assert "'post'" in reason
        assert void_reason([run], profile(rate_rps=10, classes={"post": 0.01})) is None

    def test_never_had_a_class_at_all(self, make_run: Run) -> None:
        run = make_run([[1.0] * 60, [1.0] * 60])
        assert void_reason([run], profile(rate_rps=10, classes={"posst": 0.01}))

    @pytest.mark.parametrize(("failed", "sick"), [(0, False), (1, False), (2, True), (60, True)])
    def test_have_a_reference_that_fails(self, make_run: Run, failed: int, sick: bool) -> None:
        run = make_run([[1.0] * 100, [1.0] * 100], failed=range(100, 100 + failed))
        reason = void_reason([run], profile(rate_rps=10))
        assert bool(reason) is sick
        assert not reason or "reference solution failed" in reason

    def test_are_not_those_of_a_submission_that_answers_nothing(self, make_run: Run) -> None:
        """Silence is the submission's failure; it must not be laid at the lab's door."""
        names = [TIMED_OUT] * 60 + ["page"] * 60
        run = make_run([[math.inf] * 60, [1.0] * 60], classes=names, failed=range(60))
        assert void_reason([run], profile(rate_rps=10, classes={"page": 1.0})) is None
        outcome = judge_timed(limit("p95_ms", max_ratio=2.0), "pages", [run]).outcome
        assert outcome is Outcome.FAILED

    def test_are_not_those_of_a_submission_that_is_slow_in_one_class(self, make_run: Run) -> None:
        """What is left of its requests is of the quick class, more than was sent of it."""
        names = [TIMED_OUT] * 30 + ["page"] * 45 + ["post"] * 25 + ["page"] * 100
        run = make_run([[1.0] * 100, [1.0] * 100], classes=names, failed=range(30))
        assert void_reason([run], profile(rate_rps=10, classes={"page": 0.7})) is None
        assert void_reason([run], profile(rate_rps=10, classes={"page": 0.8}))


def test_figures_of_a_run_are_those_of_all_its_valid_runs(make_run: Run) -> None:
    runs = [make_run([[1.0] * 60, [2.0] * 60]), make_run([[3.0] * 60, [2.0] * 60], lag_ms=4.0)]
    figures = timed_figures("pages", profile(rate_rps=10), runs, ["late"], 2.5, by_turns=True)
    assert (figures.runs, figures.invalid_runs, figures.send_lag_p99_ms) == (2, ("late",), 4.0)
    assert (figures.by_turns, figures.reference_alone_p95_ms) == (True, 2.5)
    assert figures.reference
    assert (figures.submission.offered, figures.reference.offered) == (120, 120)
    assert (figures.submission.p50_ms, figures.submission.worst_ms) == (1.0, 3.0)
    assert figures.submission.cpu_ms_per_request == pytest.approx(2 * 6 * 40 / 120)


def test_a_request_belongs_to_the_second_it_was_sent_in(make_run: Run) -> None:
    run = make_run([[1.0] * 6, [1.0] * 12])
    assert run.blocks[run.target == SUBMISSION].tolist() == [0, 1, 2, 3, 4, 5]
    late = dataclasses.replace(run, sent_s=np.full(18, 99.0))
    assert set(late.blocks.tolist()) == {5}
    assert run.requests_by_class(REFERENCE) == {"page": 12}


def growth(metric: str, **values: float) -> dict[int | None, dict[str, float]]:
    return {int(size[1:]): {metric: value} for size, value in values.items()}


@pytest.mark.parametrize(
    ("small", "large", "outcome"),
    [
        (4.0, 4.0, Outcome.PASSED),
        (4.0, 5.0, Outcome.PASSED),  # one level of a B-tree more
        (4.0, 16.0, Outcome.FAILED),  # as many times more as there are rows
        (0.0, 0.0, Outcome.PASSED),
        (0.05, 0.9, Outcome.PASSED),  # more requests missed a cold cache together
        (0.05, 8.0, Outcome.FAILED),  # those that missed it search the whole table
        (4.0, math.nan, Outcome.ERROR),
    ],
)
def test_growth_is_judged_by_its_exponent(small: float, large: float, outcome: Outcome) -> None:
    blocks = limit("blocks_per_request", max_slope=0.5)
    per_size = growth("blocks_per_request", n20000=small, n80000=large)
    assert judge_count(blocks, "cold", per_size).outcome is outcome


@given(scale=st.floats(1.0, 100.0), exponent=st.floats(0.0, 2.0))
def test_the_slope_of_a_power_law_is_its_exponent(scale: float, exponent: float) -> None:
    points = [(size, scale * size**exponent) for size in (1_000, 4_000, 16_000)]
    assert growth_slope(points) == pytest.approx(exponent, abs=1e-6)


@pytest.mark.parametrize(("ours_ms", "outcome"), [(5.0, Outcome.PASSED), (60.0, Outcome.FAILED)])
def test_requests_over_the_time_limit_are_compared_with_the_references_share(
    make_run: Run, ours_ms: float, outcome: Outcome
) -> None:
    slow = limit("over_slo_fraction", slo_ms=50.0, max=0.05)
    assert judge_timed(slow, "pages", [make_run([[ours_ms] * 60, [5.0] * 60])]).outcome is outcome


@pytest.mark.parametrize(
    ("before_ms", "after_ms", "disturbed"),
    [
        ([4.0] * 50, [4.0] * 50, True),
        ([8.0] * 50, [8.0] * 50, False),
        ([4.0] * 50, [9.0] * 50, True),  # the submission left work behind
        ([9.0] * 50, [4.0] * 50, True),
        ([4.0] * 50, [], True),
        ([], [], False),
    ],
)
def test_a_reference_much_slower_than_alone_was_disturbed(
    make_run: Run, before_ms: list[float], after_ms: list[float], disturbed: bool
) -> None:
    run = dataclasses.replace(
        make_run([[9.0] * 60, [9.0] * 60]),
        before_ms=np.array(before_ms),
        after_ms=np.array(after_ms),
    )
    assert is_disturbed(run) is disturbed


@pytest.mark.parametrize(("until_s", "disturbed"), [(2.0, False), (1.0, True)])
def test_what_a_fault_did_to_the_reference_is_no_disturbance(
    make_run: Run, until_s: float, disturbed: bool
) -> None:
    run = make_run([[4.0] * 60, [4.0] * 10 + [90.0] * 10 + [4.0] * 40])
    alone = dataclasses.replace(run, before_ms=np.full(50, 4.0))
    faults = ((1.0, until_s, "redis is cut off"),)
    assert is_disturbed(dataclasses.replace(alone, faults=faults)) is disturbed


@pytest.mark.parametrize(("until_s", "sick"), [(2.0, False), (1.0, True)])
def test_what_failed_for_a_fault_makes_the_reference_no_sick_one(
    make_run: Run, until_s: float, sick: bool
) -> None:
    run = make_run([[4.0] * 60, [4.0] * 60], failed=range(70, 80))
    run = dataclasses.replace(run, faults=((1.0, until_s, "redis is cut off"),))
    reason = void_reason([run], profile(limit(max_ratio=2.0), rate_rps=10))
    assert ("the reference solution failed" in (reason or "")) is sick


@pytest.mark.parametrize(
    ("before_lag_ms", "foreign_cores", "saturated"),
    [(1.0, 0.0, True), (20.0, 0.0, False), (1.0, 0.9, False), (math.nan, 0.0, False)],
)
def test_a_machine_is_saturated_by_the_submission_if_it_was_quiet_before_and_nobody_else_worked(
    make_run: Run, before_lag_ms: float, foreign_cores: float, saturated: bool
) -> None:
    run = dataclasses.replace(
        make_run([[1.0], [1.0]], lag_ms=40.0),
        before_lag_p99_ms=before_lag_ms,
        foreign_cores=foreign_cores,
    )
    assert is_saturated(run, profile()) is saturated


@pytest.mark.parametrize(
    ("cores", "foreign_cores", "heavy"), [(0.9, 0.0, True), (0.9, 0.9, False), (0.2, 0.0, False)]
)
def test_a_generator_that_is_busy_by_itself_has_too_heavy_a_profile(
    make_run: Run, cores: float, foreign_cores: float, heavy: bool
) -> None:
    run = make_run([[1.0], [1.0]])
    run = dataclasses.replace(run, generator_cores=cores, foreign_cores=foreign_cores)
    assert is_too_heavy(run) is heavy


def test_by_turns_the_generator_may_be_late_in_the_turns_of_the_submission(make_run: Run) -> None:
    run = make_run([[1.0] * 60, [1.0] * 60], lag_ms=40.0)
    late_ms = np.where(run.target == SUBMISSION, 40.0, 1.0)
    assert (
        invalid_reason(dataclasses.replace(run, late_ms=late_ms), profile(), by_turns=True) is None
    )
    late_ms = np.where(run.target == SUBMISSION, 1.0, 40.0)
    assert invalid_reason(dataclasses.replace(run, late_ms=late_ms), profile(), by_turns=True)


def test_a_reference_that_answers_probes_wrongly_proves_nothing(make_run: Run) -> None:
    run = dataclasses.replace(
        make_run([[1.0] * 60, [1.0] * 60]), probes=(5, 5), wrong=((), ("41 is not 42",))
    )
    reason = void_reason([run], profile(rate_rps=10, probes=PROBES))
    assert reason
    assert "41 is not 42" in reason


@pytest.mark.parametrize("probes", [(0, 5), (5, 0)])
def test_a_run_in_which_nobody_probed_proves_nothing(
    make_run: Run, probes: tuple[int, int]
) -> None:
    run = dataclasses.replace(make_run([[1.0] * 60, [1.0] * 60]), probes=probes)
    reason = void_reason([run], profile(rate_rps=10, probes=PROBES))
    assert reason
    assert "ProbeUser" in reason
    assert void_reason([run], profile(rate_rps=10)) is None


def test_three_times_the_data_narrows_the_interval(make_run: Run) -> None:
    generator = np.random.default_rng(1)
    widths = np.zeros(2)
    for _ in range(10):  # a single interval is random itself
        runs = [make_run(generator.exponential(10.0, (2, 240)).tolist()) for _ in range(3)]
        for which, some in enumerate((runs[:1], runs)):
            ratio = judge_timed(limit("p50_ms", max_ratio=2.0), "pages", some).ratio
            assert ratio
            widths[which] += ratio.high - ratio.low
    assert widths[1] < widths[0]


def test_a_busy_machine_is_named_with_who_kept_it_busy(make_run: Run) -> None:
    run = dataclasses.replace(make_run([[1.0], [1.0]], lag_ms=40.0), foreign=("cc1 (1.9 cores)",))
    reason = invalid_reason(run, profile())
    assert "cc1 (1.9 cores)" in str(reason)
