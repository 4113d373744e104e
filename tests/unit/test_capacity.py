"""The search for the knee, on services whose knee is known."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graders.capacity import GROWTH, HALVINGS, Point, find_knee, point_of
from graders.manifest import GENERATOR_LIMIT_RPS
from graders.samples import Samples

START_RPS = 50.0


@given(knee_rps=st.floats(START_RPS, GENERATOR_LIMIT_RPS / GROWTH), by_time=st.booleans())
def test_the_knee_is_between_what_held_and_what_broke(knee_rps: float, by_time: bool) -> None:
    def measure(rate_rps: float) -> Point:
        if rate_rps <= knee_rps:
            return Point(rate_rps, 5.0, 1.0)
        return Point(rate_rps, 500.0, 1.0) if by_time else Point(rate_rps, 5.0, 0.9)

    found = find_knee(measure, START_RPS)
    assert found.breaks_rps
    assert found.holds_rps <= knee_rps < found.breaks_rps
    gap = found.breaks_rps / found.holds_rps - 1
    assert gap <= (GROWTH - 1) / 2**HALVINGS + 1e-9
    assert all(point.rate_rps <= GENERATOR_LIMIT_RPS for point in found.points)


def test_a_service_faster_than_the_generator_has_no_knee_here() -> None:
    found = find_knee(lambda rate_rps: Point(rate_rps, 5.0, 1.0), START_RPS)
    assert found.breaks_rps is None
    assert GENERATOR_LIMIT_RPS / GROWTH < found.holds_rps <= GENERATOR_LIMIT_RPS


def test_a_service_that_fails_at_the_first_rate_holds_nothing() -> None:
    found = find_knee(lambda rate_rps: Point(rate_rps, 5.0, 0.5), START_RPS)
    assert (found.holds_rps, found.breaks_rps) == (0.0, START_RPS)


def test_a_point_counts_from_the_intended_start_and_failures_as_never(
    make_run: Callable[..., Samples],
) -> None:
    run = make_run([[10.0] * 100])
    late = dataclasses.replace(run, late_ms=np.full(100, 5.0))
    assert point_of(100.0, late) == Point(100.0, 15.0, 1.0)
    failing = point_of(100.0, make_run([[10.0] * 100], failed=range(90, 100)))
    assert failing == Point(100.0, math.inf, 0.9)
    assert point_of(100.0, make_run([[]])) == Point(100.0, math.inf, 0.0)
