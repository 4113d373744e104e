"""How a check names its requirement and states what it expects."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from graders.client import Answer
from graders.errors import CheckFailed
from graders.ledger import LEDGER
from graders.model import Feedback, Plan


def requirement(id_: str, *, again: str | None = None) -> Callable[[Any], Any]:
    """Mark a test as a check of one requirement of the lab.

    It runs in its requirement's stage, and once more at the end of the stage `again`.
    """
    return pytest.mark.requirement(id_, **({"again": again} if again else {}))


def expect(
    condition: bool,
    expected: str,
    got: object,
    next_step: str = "",
    answer: Answer | None = None,
    where: str = "",
    plans: Sequence[Plan] = (),
) -> None:
    """State an expectation in words a learner understands.

    `answer` shows the request behind it, `where` the place in a file, `plans` those of a query.
    """
    LEDGER.reached()
    if not condition:
        place, shown = (answer.curl, answer.exchange) if answer else (where, None)
        feedback = Feedback(
            expected, str(got), place, next_step, plans=tuple(plans), exchange=shown
        )
        raise CheckFailed(feedback)
