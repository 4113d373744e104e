"""Growth that checks measure: it is in the report, whatever became of the check."""

from collections.abc import Callable
from typing import Any

import pytest

CHECK = """
def test_grown(growth):
    growth("Blocks", {{4000: 9, 1000: 8.5}}, of="newest", size_unit="orders", max_slope=0.2)
    assert {holds}
"""


@pytest.mark.parametrize(("holds", "code"), [("True", 0), ("1 == 2", 1)])
def test_what_a_check_measured_is_in_the_report(
    kit: Any, append_check: Callable[..., None], holds: str, code: int
) -> None:
    append_check("document", "status", CHECK.format(holds=holds))
    done = kit.grade("document", "solutions/complete", "-r", "status")
    assert done.code == code, done.output
    [work] = done.report["growth"]
    assert work["points"] == [[1000, 8.5], [4000, 9.0]]
    assert (work["title"], work["of"], work["size_unit"]) == ("Blocks", "newest", "orders")
    assert (work["max"], work["max_slope"]) == (None, 0.2)
