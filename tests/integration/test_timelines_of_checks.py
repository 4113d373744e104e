"""Timelines that checks draw: they are in the report, whatever became of the check."""

from collections.abc import Callable
from typing import Any

import pytest

CHECK = """
def test_drawn(timeline):
    with timeline("What was read", "reads", "faults") as drawing:
        drawing.mark("reads", "a page", drawing.began_s, drawing.began_s + 1)
        assert {holds}
"""


@pytest.mark.parametrize(("holds", "code"), [("True", 0), ("1 == 2", 1)])
def test_what_a_check_draws_is_in_the_report(
    kit: Any, append_check: Callable[..., None], holds: str, code: int
) -> None:
    append_check("document", "status", CHECK.format(holds=holds))
    done = kit.grade("document", "solutions/complete", "-r", "status")
    assert done.code == code, done.output
    [timeline] = done.report["timelines"]
    assert (timeline["title"], timeline["requirement"]) == ("What was read", "status")
    reads, faults = timeline["lanes"]
    assert reads["marks"] == [{"start_s": 0.0, "end_s": 1.0, "what": "a page", "tone": "plain"}]
    assert faults["marks"] == []
    assert ("What was read (1.0 s)" in done.output) == bool(code)
