"""When the load generator sends, and to whom: decided by the seed alone.

The generator patches sockets when it is imported, so it is asked in a process of its own.
"""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

WARMUP_S, DURATION_S, RATE_RPS = 1.0, 60.0, 50.0
PROGRAM = f"""
import json
from graders.load.driver import schedule
from graders.load.runner import LoadRun, Target
def arrivals(seed):
    targets = (Target(("a",), ()), Target(("b",), ()))
    run = LoadRun("file", "User", {RATE_RPS}, {DURATION_S}, {WARMUP_S}, seed, targets)
    return [part.tolist() for part in schedule(run)]
print(json.dumps([arrivals(seed) for seed in (7, 7, 8)]))
"""


@pytest.fixture(scope="module")
def schedules() -> Any:
    """Return times and targets of three runs: two with seed 7, one with seed 8."""
    command = [sys.executable, "-c", PROGRAM]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(output)


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
