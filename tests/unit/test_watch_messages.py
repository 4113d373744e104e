"""What watcher and grading child say to each other comes across as it was said."""

import pytest

from graders.model import (
    CheckResult,
    ChecksFound,
    Feedback,
    LoadBegun,
    Outcome,
    PhaseBegun,
    Problem,
    Seeding,
)
from graders.watch.messages import Job, Ready, Recorded, from_line, to_line

MESSAGES = [
    Ready(),
    Job(("a", "b"), ("checks/test_a.py::test_ü[\n]",), run_all=True, seed=None),
    Recorded("attempts/one"),
    Problem("lab", "It is\nbroken: \ud800.", "Mend it.", ("a", "b")),
    Seeding(40),
    PhaseBegun("stage basics"),
    ChecksFound({"greets": 2}),
    LoadBegun("pages", 1, 11.5),
    CheckResult(
        "c", "greets", "basics", Outcome.FAILED, 0.5, 2, Feedback("a", "b", "c", "d", ("e",))
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
def test_a_message_comes_across_as_one_line(message: object) -> None:
    line = to_line(message)  # type: ignore[arg-type]
    assert "\n" not in line
    assert from_line(line.encode()) == message
