"""The phases of a grade beforehand, and how far it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.model import (
    START,
    CheckResult,
    ChecksFound,
    LoadBegun,
    Outcome,
    PhaseBegun,
    Seeding,
    load_phase,
    stage_phase,
)
from graders.phases import ALMOST, Advance, Phase, announcement, duration, expected_phases
from tests.unit.watching import MANIFEST

CORRECT = {"greets", "keeps", "no-loss"}
KNOWN = {START: 1.0, stage_phase("basics"): 3.0, stage_phase("races"): 4.0}
PHASES = (Phase(START, 1.0), Phase("stage basics", 3.0), Phase("stage races", 4.0))


def checked() -> CheckResult:
    return CheckResult("c", "greets", "basics", Outcome.PASSED, 0.1)


def test_the_phases_are_the_start_and_the_stages_of_what_is_graded() -> None:
    assert expected_phases(MANIFEST, CORRECT, KNOWN) == PHASES
    assert expected_phases(MANIFEST, {"no-loss"}, KNOWN) == (PHASES[0], PHASES[2])


def test_a_load_profile_is_a_phase_whose_least_length_the_manifest_says() -> None:
    phases = expected_phases(MANIFEST, {"fast"}, KNOWN)
    assert [one.name for one in phases] == [START, stage_phase("load"), load_phase("pages")]
    assert [one.expected_s for one in phases] == [1.0, None, 1.5 + 8 + 2]


def test_the_announcement_has_each_share_of_the_time() -> None:
    assert announcement(PHASES) == "about 8 s: start 12%, stage basics 38%, stage races 50%"


def test_without_a_history_the_announcement_says_what_is_not_known() -> None:
    assert announcement([Phase(START, None), Phase("stage basics", None)]) == (
        "start, stage basics; how long is known next time"
    )
    with_load = [Phase(START, None), Phase("load pages", 11.5)]
    assert announcement(with_load).endswith("; at least 12 s of load")


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (59.6, "60 s"), (130, "2 min")])
def test_durations_are_said_as_people_do(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_what_is_left_is_the_rest_of_this_phase_and_all_later_ones() -> None:
    advance = Advance(PHASES).after(PhaseBegun(START), 100.0)
    assert advance.left_s(100.0) == 8.0
    assert advance.left_s(100.5) == 7.5
    assert advance.left_s(105.0) == 7.0  # it takes longer than it did
    advance = advance.after(PhaseBegun("stage basics"), 105.0)
    assert advance.left_s(106.0) == 6.0
    assert advance.fraction(106.0) == pytest.approx(0.25)


def test_without_times_the_checks_say_how_far_it_is() -> None:
    advance = Advance((Phase(START, None), Phase("stage basics", None)))
    assert advance.fraction(0.0) == 0.0
    advance = advance.after(ChecksFound({"greets": 1, "keeps": 3}), 0.0).after(checked(), 1.0)
    assert (advance.left_s(1.0), advance.fraction(1.0)) == (None, 0.25)


@given(
    st.lists(
        st.one_of(
            st.sampled_from([PhaseBegun(one.name) for one in PHASES]),
            st.builds(ChecksFound, st.dictionaries(st.text(), st.integers(1, 5), max_size=3)),
            st.builds(Seeding, st.integers(0, 100)),
            st.builds(LoadBegun, st.just("pages"), st.integers(1, 3), st.floats(1, 20)),
            st.just(checked()),
        ),
        max_size=20,
    ),
    st.booleans(),
)
def test_a_grade_is_never_shown_as_over_before_it_is(happenings: list[object], known: bool) -> None:
    advance = Advance(PHASES if known else tuple(Phase(one.name, None) for one in PHASES))
    for moment, happening in enumerate(happenings):
        advance = advance.after(happening, float(moment))  # type: ignore[arg-type]
        assert 0 <= advance.fraction(moment + 0.5) <= ALMOST
        assert advance.words(moment + 0.5)


def test_the_words_say_what_goes_on() -> None:
    advance = Advance(PHASES).after(PhaseBegun(START), 0.0)
    assert advance.words(0.0) == "starting services and submission · about 8 s left"
    assert advance.after(Seeding(40), 0.0).words(0.0).startswith("filling the database, once: 40 %")
    loaded = advance.after(PhaseBegun("load pages"), 1.0).after(LoadBegun("pages", 2, 11.5), 1.0)
    assert loaded.words(1.0).startswith("load pages, run 2, 12 s")
