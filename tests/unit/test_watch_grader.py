"""The child that grades: given a job, cancelled at any moment, gone with all it started."""

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from graders.model import PhaseBegun, Problem
from graders.watch.grader import Child
from graders.watch.messages import Job, Ready, Recorded, to_line

JOB = Job(("greets",), (), run_all=False, seed=None)
PATIENCE_S = 30.0
SAY = "import os, sys, time; say = lambda line: os.write(int(sys.argv[1]), line.encode() + b'\\n')"
READY, RECORDED = (repr(to_line(one)) for one in (Ready(), Recorded("attempts/one")))
OBEDIENT = f"""
{SAY}
import subprocess
say({READY})
sys.stdin.readline()
child = subprocess.Popen(["sleep", "1000"])
try:
    say({to_line(PhaseBegun("start"))!r})
    time.sleep(1000)
except KeyboardInterrupt:
    child.kill()
    child.wait()
    sys.exit(130)
"""
DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(1000)"


@pytest.fixture
def child() -> Callable[[str], Child]:
    return lambda program: Child([sys.executable, "-c", program])


def wait(condition: Callable[[], Any], what: str) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline_s, what
        time.sleep(0.01)
    return found


def heard(child: Child) -> Any:
    return next(child.messages(), None)


def test_a_job_is_given_and_its_end_is_told(child: Callable[[str], Child]) -> None:
    one = child(f"{SAY}\nsay({READY}); sys.stdin.readline(); say({RECORDED})")
    assert wait(lambda: heard(one), "it to be ready") == Ready()
    one.give(JOB)
    assert wait(lambda: heard(one), "its answer") == Recorded("attempts/one")
    wait(one.is_gone, "its end")
    one.close()


def test_a_cancelled_job_unwinds_with_all_it_started(child: Callable[[str], Child]) -> None:
    one = child(OBEDIENT)
    one.give(JOB)
    wait(lambda: PhaseBegun("start") in one.messages(), "it to be at work")
    one.cancel()
    assert one.was_cancelled
    wait(one.is_gone, "its end")
    assert one._family
    one.close()


def test_a_child_that_waits_for_its_job_or_is_deaf_before_it_ends_at_once(
    child: Callable[[str], Child],
) -> None:
    waiting, deaf, busy = child(OBEDIENT), child(DEAF), child(DEAF)
    wait(lambda: heard(waiting), "it to be ready")
    busy.give(JOB)  # while it still imports
    for one in (waiting, deaf, busy):
        one.close()
        assert one.is_gone()


def test_an_end_without_an_answer_is_told_with_its_last_lines(
    child: Callable[[str], Child],
) -> None:
    one = child("import sys; sys.exit('no memory left')")
    wait(one.is_gone, "its end")
    one.give(JOB)  # too late, and no error
    problem = one.failure()
    assert isinstance(problem, Problem)
    assert (problem.culprit, problem.log) == ("machine", ("no memory left",))
    assert "exit code 1" in problem.problem
    one.close()
