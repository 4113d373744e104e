"""How far a seed program is, read off what it prints."""

import os
from pathlib import Path

import pytest

from graders.checks.seeding import percent_done


@pytest.mark.parametrize(
    ("printed", "percent"),
    [
        ("", None),
        ("hello\n", None),
        ("10%\n", 10),
        ("10%\nsome words\n40%\n", 40),
        ("999%\n", 100),
        ("at 50% of it\n", None),
    ],
)
def test_the_last_line_that_is_a_percentage_counts(
    tmp_path: Path, printed: str, percent: int | None
) -> None:
    log = tmp_path / "seeding.log"
    log.write_text(printed)
    assert percent_done(log, since_s=0.0) == percent


def test_what_was_printed_earlier_does_not_count(tmp_path: Path) -> None:
    log = tmp_path / "seeding.log"
    log.write_text("70%\n")
    os.utime(log, (1000, 1000))
    assert percent_done(log, since_s=2000.0) is None
    assert percent_done(tmp_path / "none.log", since_s=0.0) is None
