"""Two grades of one submission: the same, in contradiction, or left open."""

import dataclasses

import pytest

from graders.bundles.comparing import Agreement, compare, exit_code
from graders.model import Outcome, Report, RequirementResult, Verdict
from graders.verdict import ENDED_EARLY, LEFT_OUT

P, F, I = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE  # noqa: E741
E, S = Outcome.ERROR, Outcome.SKIPPED


def graded(
    report: Report, outcome: Outcome, reason: str = "", earned: int = 0, whole: Outcome = P
) -> Report:
    """Return a report of one requirement, and of another that passed."""
    requirements = (
        RequirementResult("one", "One", "basics", outcome, 3, earned, reason),
        RequirementResult("other", "Other", "basics", P, 1, 1),
    )
    verdict = Verdict(whole, 1 + earned, 4, True, "")
    return dataclasses.replace(report, requirements=requirements, verdict=verdict)


@pytest.mark.parametrize(
    ("old", "new", "agreement", "code"),
    [
        ((P,), (P,), Agreement.SAME, 0),
        ((F, "a"), (F, "b"), Agreement.SAME, 0),
        ((I,), (I,), Agreement.SAME, 0),
        ((P,), (F,), Agreement.DIFFERS, 1),
        ((F,), (P,), Agreement.DIFFERS, 1),
        ((P, "", 3), (P, "void", 0), Agreement.DIFFERS, 1),
        ((S, "stage 'basics' failed first"), (P,), Agreement.DIFFERS, 1),
        ((I,), (P,), Agreement.UNDECIDED, 3),
        ((P,), (I,), Agreement.UNDECIDED, 3),
        ((F,), (E,), Agreement.UNDECIDED, 3),
        ((S, ENDED_EARLY), (P,), Agreement.UNDECIDED, 3),
        ((P,), (S, LEFT_OUT), Agreement.UNDECIDED, 3),
        ((S, LEFT_OUT), (F,), Agreement.NEW, 0),
        ((S, LEFT_OUT), (S, LEFT_OUT), Agreement.SAME, 0),
    ],
)
def test_two_grades_agree_or_not(
    report: Report,
    old: tuple[Outcome],
    new: tuple[Outcome],
    agreement: Agreement,
    code: int,
) -> None:
    again = graded(report, *new)
    rows = compare(graded(report, *old), again)
    assert [row.id for row in rows] == ["one", "other", "verdict"]
    assert (rows[0].agreement, rows[1].agreement) == (agreement, Agreement.SAME)
    assert exit_code(rows, again) == code


def test_a_verdict_that_turned_is_a_difference_whatever_was_left_open(report: Report) -> None:
    old, new = graded(report, S, ENDED_EARLY, whole=F), graded(report, P, earned=3)
    rows = compare(old, new)
    assert (rows[0].agreement, rows[-1].agreement) == (Agreement.UNDECIDED, Agreement.DIFFERS)
    assert exit_code(rows, new) == 1


def test_where_more_is_graded_now_the_verdicts_are_not_held_against_each_other(
    report: Report,
) -> None:
    old, new = graded(report, S, LEFT_OUT), graded(report, F, whole=F)
    assert compare(old, new)[-1].agreement is Agreement.NEW


def test_what_could_not_be_graded_again_says_so(report: Report) -> None:
    new = graded(report, F, whole=E)
    assert exit_code(compare(graded(report, P), new), new) == 2


def test_a_requirement_that_one_kit_lacks_is_shown(report: Report) -> None:
    whole = graded(report, P)
    less = dataclasses.replace(whole, requirements=whole.requirements[1:])
    more = {row.id: row for row in compare(less, whole)}["one"]
    assert (more.old, more.agreement) == (None, Agreement.NEW)
    gone = {row.id: row for row in compare(whole, less)}["one"]
    assert (gone.new, gone.agreement) == (None, Agreement.UNDECIDED)
