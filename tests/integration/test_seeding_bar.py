"""`lab grade` on a terminal while a database is filled: the bar says so, and how far it is."""

import re
from collections.abc import Callable
from typing import Any

from tests.integration.test_watching import Terminal

SLOWLY = "flush=True)\n        __import__('time').sleep(0.4)"


def test_the_bar_says_how_far_the_database_is_filled(
    kit: Any, wait_until: Callable[..., Any]
) -> None:
    rows = kit.folder / "labs/service/seed/rows.py"
    rows.write_text(rows.read_text().replace("flush=True)", SLOWLY))
    source = ("--from", "labs/service/solutions/cached")
    terminal = Terminal(kit, "grade", "service", *source, "-r", "serves-seeded")
    try:
        wait_until(lambda: terminal.process.poll() is not None, "the grade")
    finally:
        terminal.close()
    assert terminal.process.returncode == 0, terminal.output
    told = [int(one) for one in re.findall(r"filling the database, once: (\d+) %", terminal.output)]
    assert told == sorted(told)
    assert len(set(told)) > 2, told
    assert min(told) < 100
    assert "━" in terminal.output
