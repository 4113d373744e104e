"""What an item's end means: whose fault it is, and what to tell the learner."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import redis

from graders.checks.selection import CheckOf
from graders.errors import CheckFailed, GradingError, Inconclusive, SubmissionError
from graders.model import CheckResult, Feedback, Outcome

TIMEOUT_PREFIX = "Timeout (>"
SHOWN_LINES = 12
DISK_RESERVE_MIB = 32


def judge_item(
    name: str, check: CheckOf, call: pytest.CallInfo[None], assertions: int
) -> CheckResult | None:
    """Return the result of an item after one of its phases; None while there is none yet."""
    if call.excinfo is None and call.when != "call":
        return None
    if call.excinfo is not None:
        outcome, feedback = _judge_exception(call.excinfo)
    elif assertions == 0:
        outcome = Outcome.ERROR
        feedback = Feedback(
            "the check to reach at least one expectation",
            "a check that ended without any",
            next_step="This is the lab's fault: let the check state what it expects.",
        )
    else:
        outcome, feedback = Outcome.PASSED, None
    return CheckResult(
        check=name,
        requirement=check.requirement,
        stage=check.stage,
        outcome=outcome,
        duration_s=call.duration,
        assertions=assertions,
        feedback=feedback,
    )


def excuse_full_disk(result: CheckResult, folder: Path) -> CheckResult:
    """Return a failure as an error when the run's disk is full: services fail there by themselves.

    PostgreSQL takes 16 MiB at a time, so a disk counts as full before its last byte.
    """
    free_mib = shutil.disk_usage(folder).free >> 20
    if result.outcome is not Outcome.FAILED or free_mib >= DISK_RESERVE_MIB:
        return result
    feedback = Feedback(
        f"{DISK_RESERVE_MIB} MiB of the disk free for the services",
        f"a full disk: {free_mib} MiB left for {folder}",
        next_step="Free some space (a grade needs about 300 MB), "
        "or set TMPDIR to a folder elsewhere.",
    )
    return dataclasses.replace(result, outcome=Outcome.ERROR, feedback=feedback)


def _judge_exception(
    excinfo: pytest.ExceptionInfo[BaseException],
) -> tuple[Outcome, Feedback | None]:
    error = excinfo.value
    if isinstance(error, CheckFailed):
        return Outcome.FAILED, error.feedback
    if isinstance(error, Inconclusive):
        return Outcome.INCONCLUSIVE, Feedback("a clear result", str(error))
    if isinstance(error, GradingError):
        outcome = Outcome.FAILED if isinstance(error, SubmissionError) else Outcome.ERROR
        feedback = Feedback(
            "the grade to go on", error.problem, next_step=error.next_step, log=error.log
        )
        return outcome, feedback
    if isinstance(error, redis.RedisError):  # it is the submission's own: who else would keep it?
        return Outcome.FAILED, Feedback("Redis to answer the grader", str(error), _place(excinfo))
    if isinstance(error, pytest.skip.Exception):
        staged = str(error).startswith("stage ")
        outcome = Outcome.SKIPPED if staged else Outcome.INCONCLUSIVE
        return outcome, Feedback("the check to run", str(error))
    if isinstance(error, pytest.fail.Exception) and str(error).startswith(TIMEOUT_PREFIX):
        return Outcome.ERROR, _out_of_time(excinfo)
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return Outcome.FAILED, _plain_assertion(excinfo)
    return Outcome.ERROR, _broken_check(excinfo)


def _out_of_time(excinfo: pytest.ExceptionInfo[BaseException]) -> Feedback:
    return Feedback(
        "the check to end in its time",
        str(excinfo.value),
        where=_place(excinfo),
        next_step="The check was not waiting for your service; grade again, and if it happens "
        "again, tell the lab's author.",
    )


def _plain_assertion(excinfo: pytest.ExceptionInfo[BaseException]) -> Feedback:
    lines = str(excinfo.value).splitlines() or ["it does not hold"]
    return Feedback("what the check asserts", "\n".join(lines[:SHOWN_LINES]), where=_place(excinfo))


def _broken_check(excinfo: pytest.ExceptionInfo[BaseException]) -> Feedback:
    return Feedback(
        "the check to run",
        f"{excinfo.typename}: {excinfo.value}",
        where=_place(excinfo),
        next_step="This is the lab's fault: the check broke before it could judge.",
    )


def _place(excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    entry = excinfo.traceback[-1]
    ours = [one for one in excinfo.traceback if "/checks/" in str(one.path)]
    entry = ours[-1] if ours else entry
    return f"{entry.path}:{entry.lineno + 1}"
