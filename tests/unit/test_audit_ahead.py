"""How long an audit will still take."""

from pathlib import Path

import pytest

from graders.audit.ahead import left_s
from graders.audit.subjects import Subject

QUICK, OTHER = Subject("quick", "mutant", Path("q")), Subject("other", "mutant", Path("o"))
TIMED = Subject("timed", "solution", Path("t"), timed=True)


def test_what_is_alone_counts_whole_and_the_rest_is_shared_by_workers() -> None:
    took_s = {QUICK: [4.0], TIMED: [30.0]}
    assert left_s([QUICK, OTHER, TIMED], took_s, workers=2) == pytest.approx(30 + (4 + 4) / 2)


def test_a_subject_takes_what_it_took_before_and_not_what_others_take() -> None:
    assert left_s([OTHER], {QUICK: [4.0], OTHER: [10.0, 12.0]}, workers=1) == pytest.approx(11)


def test_nothing_is_promised_of_a_kind_never_seen() -> None:
    assert left_s([TIMED], {QUICK: [4.0]}, workers=2) is None
    assert left_s([QUICK], {}, workers=2) is None


def test_what_is_done_takes_no_more_time() -> None:
    assert left_s([], {}, workers=2) == 0
