"""Several estimates of one ratio become one, narrower where they agree, wider where they don't."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.history import pool
from graders.model import Interval


def interval(ratio: float, width: float) -> Interval:
    """Return an interval that is `width` wide on both sides, as a factor."""
    return Interval(ratio, ratio / width, ratio * width)


INTERVALS = st.builds(interval, st.floats(0.05, 20), st.floats(1.001, 3))


def width(one: Interval) -> float:
    return math.log(one.high / one.low)


@given(INTERVALS)
def test_one_estimate_stays_what_it_is(one: Interval) -> None:
    found = pool([one])
    assert found
    assert found.ratio.estimate == pytest.approx(one.estimate)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((one.low, one.high))
    assert (found.count, found.spread) == (1, 0.0)


@given(st.lists(INTERVALS, min_size=1, max_size=8))
def test_the_pooled_estimate_lies_among_the_others(many: list[Interval]) -> None:
    found = pool(many)
    assert found
    least, most = min(one.estimate for one in many), max(one.estimate for one in many)
    assert least * (1 - 1e-9) <= found.ratio.estimate <= most * (1 + 1e-9)
    assert found.ratio.low <= found.ratio.estimate <= found.ratio.high


@given(st.lists(INTERVALS, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_attempts_does_not_matter(many: list[Interval], random: object) -> None:
    shuffled = list(many)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = pool(many), pool(shuffled)
    assert one
    assert other
    assert one.ratio.estimate == pytest.approx(other.ratio.estimate)
    assert one.ratio.high == pytest.approx(other.ratio.high)


@given(INTERVALS, st.integers(2, 10))
def test_the_same_estimate_n_times_is_root_n_narrower(one: Interval, times: int) -> None:
    found = pool([one] * times)
    assert found
    assert width(found.ratio) == pytest.approx(width(one) / math.sqrt(times), rel=1e-6)
    assert found.spread == pytest.approx(0, abs=1e-6)


@given(st.lists(INTERVALS, min_size=1, max_size=8), st.floats(0.1, 10))
def test_a_factor_on_all_is_a_factor_on_the_whole(many: list[Interval], factor: float) -> None:
    scaled = [Interval(*(x * factor for x in (i.estimate, i.low, i.high))) for i in many]
    one, other = pool(many), pool(scaled)
    assert one
    assert other
    assert other.ratio.estimate == pytest.approx(one.ratio.estimate * factor)
    assert other.spread == pytest.approx(one.spread)


def test_estimates_that_contradict_each_other_make_it_wider_not_narrower() -> None:
    far = pool([interval(1.0, 1.05), interval(2.0, 1.05)])
    near = pool([interval(1.0, 1.05), interval(1.01, 1.05)])
    assert far
    assert near
    assert far.spread > 5
    assert near.spread < 1
    assert width(far.ratio) > 5 * width(near.ratio)


def test_a_precise_estimate_outweighs_a_vague_one() -> None:
    found = pool([interval(1.0, 1.02), interval(2.0, 3.0)])
    assert found
    assert found.ratio.estimate == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize(
    "bad",
    [
        Interval(math.nan, 1, 2),
        Interval(1, 0, 2),
        Interval(2, 1, math.inf),
        Interval(0, 0, 0),
    ],
)
def test_what_is_no_ratio_is_left_out(bad: Interval) -> None:
    assert pool([bad]) is None
    found = pool([bad, interval(2, 1.1)])
    assert found
    assert found.count == 1


def test_nothing_pools_to_nothing() -> None:
    assert pool([]) is None


def test_an_interval_without_width_is_no_division_by_zero() -> None:
    found = pool([Interval(1.5, 1.5, 1.5)])
    assert found
    assert found.ratio.estimate == pytest.approx(1.5)
