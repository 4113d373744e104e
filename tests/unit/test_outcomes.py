"""What the end of a check means, and whose fault it is."""

from collections.abc import Callable
from typing import NoReturn

import pytest

from graders.checks.outcomes import judge_item
from graders.checks.selection import CheckOf
from graders.errors import (
    CheckFailed,
    GradingError,
    Inconclusive,
    LabError,
    MachineError,
    SubmissionError,
)
from graders.model import CheckResult, Feedback, Outcome

CHECK = CheckOf("greets", "basics", 30.0)
FEEDBACK = Feedback("a greeting", "404", "curl -i /", "Greet.", ("GET / 404",))


def end_of(check: Callable[[], None], when: str = "call", assertions: int = 1) -> CheckResult:
    call = pytest.CallInfo.from_call(check, when)  # type: ignore[arg-type]
    result = judge_item("test_it", CHECK, call, assertions)
    assert result
    return result


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def check() -> NoReturn:
        raise error

    return check


def nothing() -> None:
    pass


def test_a_check_whose_expectations_hold_has_passed() -> None:
    result = end_of(nothing, assertions=3)
    assert (result.outcome, result.assertions, result.feedback) == (Outcome.PASSED, 3, None)
    assert (result.check, result.requirement, result.stage) == ("test_it", "greets", "basics")


def test_a_check_that_expected_nothing_has_not_passed() -> None:
    result = end_of(nothing, assertions=0)
    assert result.outcome is Outcome.ERROR
    assert result.feedback
    assert "lab's fault" in result.feedback.next_step


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_a_phase_around_the_check_that_went_well_says_nothing(when: str) -> None:
    call = pytest.CallInfo.from_call(nothing, when)  # type: ignore[arg-type]
    assert judge_item("test_it", CHECK, call, 1) is None


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (CheckFailed(FEEDBACK), Outcome.FAILED),
        (AssertionError("no"), Outcome.FAILED),
        (pytest.fail.Exception("no"), Outcome.FAILED),
        (SubmissionError("It ended.", "Look."), Outcome.FAILED),
        (Inconclusive("too noisy"), Outcome.INCONCLUSIVE),
        (pytest.skip.Exception("stage 'basics' failed first"), Outcome.SKIPPED),
        (pytest.skip.Exception("no time for this"), Outcome.INCONCLUSIVE),
        (pytest.fail.Exception("Timeout (>30.0s) from pytest-timeout."), Outcome.ERROR),
        (LabError("A profile is missing.", "Write it."), Outcome.ERROR),
        (MachineError("The disk is full.", "Empty it."), Outcome.ERROR),
        (ZeroDivisionError("division by zero"), Outcome.ERROR),
        (SystemExit(0), Outcome.ERROR),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_an_exception_decides_the_outcome_in_every_phase(
    error: BaseException, outcome: Outcome, when: str
) -> None:
    assert end_of(raising(error), when).outcome is outcome


def test_the_feedback_of_a_failed_expectation_arrives_whole() -> None:
    assert end_of(raising(CheckFailed(FEEDBACK))).feedback == FEEDBACK


@pytest.mark.parametrize("kind", [SubmissionError, LabError, MachineError])
def test_a_culprit_brings_problem_next_step_and_log(kind: type[GradingError]) -> None:
    feedback = end_of(raising(kind("It ended.", "Look.", ["last line"]))).feedback
    assert feedback == Feedback("the grade to go on", "It ended.", "", "Look.", ("last line",))


def test_a_plain_assertion_shows_what_it_compared_and_where() -> None:
    def check() -> None:
        assert [1] == [2], "the lists"

    feedback = end_of(check).feedback
    assert feedback
    assert "the lists" in feedback.got
    assert f"{__file__}:" in feedback.where


def test_an_assertion_without_end_is_cut() -> None:
    feedback = end_of(raising(AssertionError("line\n" * 1000))).feedback
    assert feedback
    assert len(feedback.got.splitlines()) <= 12


def test_a_broken_check_is_the_labs_fault_and_names_the_exception() -> None:
    feedback = end_of(raising(KeyError("code"))).feedback
    assert feedback
    assert feedback.got == "KeyError: 'code'"
    assert "lab's fault" in feedback.next_step
