"""When the load generator sends, and to whom: decided by the seed alone."""

from typing import Any

import numpy as np
import pytest

from graders.load import LoadRun
from graders.load.plan import Kind, phases
from graders.samples import REFERENCE, SUBMISSION

WARMUP_S, DURATION_S, RATE_RPS = 1.0, 60.0, 50.0


def arrivals(seed: int) -> tuple[list[float], list[int]]:
    """Return intended times since the start of the run, and the target of each."""
    run = LoadRun("file", "User", RATE_RPS, DURATION_S, WARMUP_S, seed)
    warm_up, measured = phases(run, targets=2)
    times_s = [*warm_up.times_s, *(measured.times_s + WARMUP_S)]
    return times_s, [*warm_up.targets.tolist(), *measured.targets.tolist()]


@pytest.fixture(scope="module")
def schedules() -> Any:
    """Return times and targets of three runs: two with seed 7, one with seed 8."""
    return [arrivals(seed) for seed in (7, 7, 8)]


def test_the_same_seed_gives_the_same_arrivals(schedules: Any) -> None:
    assert schedules[0] == schedules[1]


def test_another_seed_gives_other_arrivals(schedules: Any) -> None:
    assert schedules[0][0][:10] != schedules[2][0][:10]
    assert schedules[0][1][:50] != schedules[2][1][:50]


def test_arrivals_fill_warm_up_and_run_in_order(schedules: Any) -> None:
    times_s = np.array(schedules[0][0])
    assert (np.diff(times_s) > 0).all()
    assert 0 < times_s[0] < 1
    assert WARMUP_S + DURATION_S - 1 < times_s[-1] < WARMUP_S + DURATION_S


def test_each_target_gets_the_rate_of_the_profile(schedules: Any) -> None:
    expected = RATE_RPS * (WARMUP_S + DURATION_S)
    for _, targets in schedules:
        counts = np.bincount(targets)
        assert len(counts) == 2
        assert counts == pytest.approx([expected, expected], rel=0.1)


def test_gaps_are_those_of_a_poisson_process(schedules: Any) -> None:
    """The mean and the deviation of exponential gaps are equal; a steady beat deviates by zero."""
    gaps_s = np.diff(schedules[0][0])
    assert gaps_s.mean() == pytest.approx(1 / (2 * RATE_RPS), rel=0.1)
    assert gaps_s.std() == pytest.approx(gaps_s.mean(), rel=0.1)


def test_the_reference_is_alone_before_and_after_both_are_mixed() -> None:
    run = LoadRun("file", "User", RATE_RPS, DURATION_S, WARMUP_S, 7, alone_s=2.0)
    plan = phases(run, targets=2)
    kinds = [Kind.WARM_UP, Kind.BEFORE, Kind.WARM_UP, Kind.MEASURED, Kind.AFTER]
    assert [phase.kind for phase in plan] == kinds
    assert all(set(plan[one].targets.tolist()) == {REFERENCE} for one in (0, 1, 4))
    assert all(plan[one].drained for one in (0, 1, 3, 4))


def test_by_turns_each_second_belongs_to_one_of_them() -> None:
    run = LoadRun("file", "User", RATE_RPS, 3.0, WARMUP_S, 7, by_turns=True)
    turns = [phase for phase in phases(run, targets=2) if phase.kind is Kind.MEASURED]
    owners = [set(phase.targets.tolist()) for phase in turns]
    assert owners == [{SUBMISSION}, {REFERENCE}] * 3
    assert [phase.first_block for phase in turns] == [0, 0, 1, 1, 2, 2]
    assert all(phase.drained for phase in turns)
