"""Two grades of one submission: the same, in contradiction, or left open."""

import dataclasses

import pytest

from graders.bundles.comparing import Agreement, compare, exit_code
from graders.model import Outcome, Problem, Report, RequirementResult, Verdict
from graders.verdict import ENDED_EARLY, LEFT_OUT, judge_submission

P, F, I = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE  # noqa: E741
E, S = Outcome.ERROR, Outcome.SKIPPED
STAGE = "stage 'basics' failed first"
PROBLEM = Problem("machine", "The disk is full.", "Free some.")


def graded(report: Report, outcome: Outcome, reason: str = "", earned: int | None = None) -> Report:
    """Return a report of one requirement, and of another that passed, with their verdict."""
    earned = earned if earned is not None else 3 if outcome is P else 0
    requirements = (
        RequirementResult("one", "One", "basics", outcome, 3, earned, reason),
        RequirementResult("other", "Other", "basics", P, 1, 1),
    )
    problem = PROBLEM if reason == ENDED_EARLY else None
    return of(report, requirements, problem)


def of(
    report: Report, requirements: tuple[RequirementResult, ...], problem: Problem | None = None
) -> Report:
    verdict = judge_submission(requirements, problem)
    return dataclasses.replace(report, requirements=requirements, verdict=verdict, problem=problem)


def less(whole: Report) -> Report:
    """Return a report without its first requirement, and with the verdict of what is left."""
    return of(whole, whole.requirements[1:])


@pytest.mark.parametrize(
    ("old", "new", "agreement", "code"),
    [
        ((P,), (P,), Agreement.SAME, 0),
        ((F, "a"), (F, "b"), Agreement.SAME, 0),
        ((I,), (I,), Agreement.SAME, 0),
        ((P,), (F,), Agreement.DIFFERS, 1),
        ((F,), (P,), Agreement.DIFFERS, 1),
        ((P, "", 3), (P, "void", 0), Agreement.DIFFERS, 1),
        ((S, STAGE), (S, STAGE), Agreement.SAME, 0),
        ((S, STAGE), (P,), Agreement.DIFFERS, 1),
        ((S, "made up"), (F,), Agreement.DIFFERS, 1),
        ((S, "made up"), (S, STAGE), Agreement.DIFFERS, 1),
        ((I,), (P,), Agreement.UNDECIDED, 3),
        ((P,), (I,), Agreement.UNDECIDED, 3),
        ((F,), (E,), Agreement.UNDECIDED, 2),
        ((S, LEFT_OUT), (F,), Agreement.DIFFERS, 1),
        ((S, LEFT_OUT), (P,), Agreement.DIFFERS, 1),
        ((S, LEFT_OUT), (S, STAGE), Agreement.DIFFERS, 1),
        ((P, LEFT_OUT), (F,), Agreement.DIFFERS, 1),
        ((F, LEFT_OUT), (P,), Agreement.DIFFERS, 1),
        ((P,), (S, LEFT_OUT), Agreement.DIFFERS, 1),
        ((S, LEFT_OUT), (S, LEFT_OUT), Agreement.SAME, 0),
    ],
)
def test_grades_agree_or_not(
    report: Report,
    old: tuple[Outcome],
    new: tuple[Outcome],
    agreement: Agreement,
    code: int,
) -> None:
    again = graded(report, *new)
    rows = compare(graded(report, *old), again, same_lab=True)
    assert [row.id for row in rows] == ["one", "other", "verdict"]
    assert (rows[0].agreement, rows[1].agreement) == (agreement, Agreement.SAME)
    assert exit_code(rows, again) == code


@pytest.mark.parametrize(
    ("old", "new", "agreement", "code"),
    [
        ((S, LEFT_OUT), (F,), Agreement.NEW, 0),
        ((S, LEFT_OUT), (S, LEFT_OUT), Agreement.SAME, 0),
        ((P,), (S, LEFT_OUT), Agreement.UNDECIDED, 3),
        ((P, LEFT_OUT), (F,), Agreement.DIFFERS, 1),
        ((S, "made up"), (F,), Agreement.DIFFERS, 1),
    ],
)
def test_another_lab_may_grade_more_or_less(
    report: Report,
    old: tuple[Outcome],
    new: tuple[Outcome],
    agreement: Agreement,
    code: int,
) -> None:
    again = graded(report, *new)
    rows = compare(graded(report, *old), again, same_lab=False)
    assert (rows[0].agreement, exit_code(rows, again)) == (agreement, code)


def test_what_a_grade_that_ended_early_did_not_see_is_left_open(report: Report) -> None:
    old, new = graded(report, S, ENDED_EARLY), graded(report, P)
    rows = compare(old, new, same_lab=True)
    assert [row.agreement for row in rows[::2]] == [Agreement.UNDECIDED] * 2
    assert exit_code(rows, new) == 3


def test_a_verdict_that_turned_is_a_difference_whatever_was_left_open(report: Report) -> None:
    old, new = graded(report, S, ENDED_EARLY), graded(report, P)
    problem = dataclasses.replace(PROBLEM, culprit="submission")
    rows = compare(of(old, old.requirements, problem), new, same_lab=True)
    assert (rows[0].agreement, rows[-1].agreement) == (Agreement.UNDECIDED, Agreement.DIFFERS)
    assert exit_code(rows, new) == 1


def test_where_more_is_graded_now_the_verdicts_are_not_held_against_each_other(
    report: Report,
) -> None:
    old, new = graded(report, S, LEFT_OUT), graded(report, F)
    assert compare(old, new, same_lab=False)[-1].agreement is Agreement.NEW


def test_what_could_not_be_graded_again_says_so(report: Report) -> None:
    new = graded(report, E)
    assert exit_code(compare(graded(report, P), new, same_lab=True), new) == 2


@pytest.mark.parametrize("found", [P, F])
def test_a_failure_can_not_be_kept_out_of_a_report(report: Report, found: Outcome) -> None:
    new = graded(report, found)
    for old in (less(new), of(new, ())):
        rows = compare(old, new, same_lab=True)
        assert (rows[0].id, rows[0].old, rows[0].agreement) == ("one", None, Agreement.DIFFERS)
        assert exit_code(rows, new) == 1
        # The lab that was graded with is what the signer says of it.
        rows = compare(old, new, same_lab=False)
        assert (rows[0].agreement, rows[0].is_missing) == (Agreement.NEW, True)
        assert exit_code(rows, new) == 3


def test_a_requirement_that_is_not_graded_now_is_shown(report: Report) -> None:
    old = graded(report, P)
    for same_lab, agreement in ((True, Agreement.DIFFERS), (False, Agreement.UNDECIDED)):
        gone = {row.id: row for row in compare(old, less(old), same_lab=same_lab)}["one"]
        assert (gone.new, gone.agreement) == (None, agreement)


def test_a_verdict_that_does_not_follow_is_a_difference_even_where_it_is_right(
    report: Report,
) -> None:
    new = graded(report, P)
    passed = Verdict(P, 4, 4, True, "")
    lies = (
        dataclasses.replace(graded(report, F), verdict=passed),
        dataclasses.replace(graded(report, S, LEFT_OUT), verdict=passed),
        dataclasses.replace(less(new), verdict=passed),
    )
    for old in lies:
        for same_lab in (True, False):
            rows = compare(old, new, same_lab=same_lab)
            assert rows[-1].agreement is Agreement.DIFFERS
            assert exit_code(rows, new) == 1


def test_points_that_a_lab_does_not_give_are_a_difference(report: Report) -> None:
    new = graded(report, F)
    cheap = dataclasses.replace(new.requirements[0], points=0)
    rows = compare(of(new, (cheap, *new.requirements[1:])), new, same_lab=True)
    assert [row.agreement for row in rows[::2]] == [Agreement.DIFFERS] * 2
