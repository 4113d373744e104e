"""Errors by culprit: the learner's submission, the lab, the machine, or the command line."""

from collections.abc import Sequence
from typing import ClassVar

from graders.model import Feedback


class GradingError(Exception):
    """A reason not to go on, with what happened and what to do next.

    `problem` says expected, got and where; `next_step` is one imperative sentence;
    `log` holds the last lines the culprit wrote, oldest first.
    """

    culprit: ClassVar[str] = "unknown"

    def __init__(self, problem: str, next_step: str, log: Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.next_step = next_step
        self.log = tuple(log)


class SubmissionError(GradingError):
    """The learner's submission is at fault: the verdict is *failed*."""

    culprit = "submission"


class LabError(GradingError):
    """The lab (manifest, checks, load profile) is at fault: the verdict is *error*."""

    culprit = "lab"


class MachineError(GradingError):
    """This machine is at fault (missing program, full disk, too busy): the verdict is *error*."""

    culprit = "machine"


class BundleError(GradingError):
    """A bundle is not what was signed, or nothing that this kit makes: it is refused."""

    culprit = "bundle"


class UsageError(GradingError):
    """The command line is at fault; nothing was graded."""

    culprit = "command"


class CheckFailed(AssertionError):
    """An expectation of a check that did not hold: the learner's failure, with its feedback."""

    def __init__(self, feedback: Feedback) -> None:
        super().__init__(f"expected {feedback.expected}, got {feedback.got}")
        self.feedback = feedback


class Inconclusive(Exception):
    """A check that could not decide, because noise or too little data stood in the way."""
