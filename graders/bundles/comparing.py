"""Two grades of the same submission, set side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from graders.model import Outcome, Report, RequirementResult, Verdict
from graders.verdict import ENDED_EARLY, LEFT_OUT

VERDICT = "verdict"
UNKNOWN = (Outcome.INCONCLUSIVE, Outcome.ERROR)


class Agreement(StrEnum):
    """How two grades of one requirement stand to each other."""

    SAME = "same"
    DIFFERS = "differs"
    UNDECIDED = "not decided"
    NEW = "graded now only"


@dataclass(frozen=True)
class Graded:
    """What one grade said of a requirement, or of the whole."""

    outcome: Outcome
    earned: int
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """A requirement, or the verdict, in both grades; None where one of them lacks it."""

    id: str
    old: Graded | None
    new: Graded | None
    agreement: Agreement


def compare(old: Report, new: Report) -> tuple[Row, ...]:
    """Return a row for each requirement, in the new report's order, and one for the verdict.

    Whatever one grade left open (inconclusive, error, left out) contradicts nothing.
    """
    olds = {one.id: _graded(one) for one in old.requirements}
    news = {one.id: _graded(one) for one in new.requirements}
    rows = [_row(id_, olds.get(id_), news.get(id_)) for id_ in {**news, **olds}]
    verdict = _row(VERDICT, _whole(old.verdict), _whole(new.verdict))
    if any(row.agreement is Agreement.NEW for row in rows):
        verdict = Row(VERDICT, verdict.old, verdict.new, Agreement.NEW)
    return (*rows, verdict)


def exit_code(rows: Sequence[Row], new: Report) -> int:
    """0 the same, 1 they contradict each other, 2 could not grade, 3 one of them left it open."""
    agreements = {row.agreement for row in rows}
    if new.verdict.outcome is Outcome.ERROR:
        return 2
    if Agreement.DIFFERS in agreements:
        return 1
    return 3 if Agreement.UNDECIDED in agreements else 0


def _graded(one: RequirementResult) -> Graded:
    return Graded(one.outcome, one.earned, one.reason)


def _whole(verdict: Verdict) -> Graded:
    return Graded(verdict.outcome, verdict.earned)


def _row(id_: str, old: Graded | None, new: Graded | None) -> Row:
    return Row(id_, old, new, _agreement(old, new))


def _agreement(old: Graded | None, new: Graded | None) -> Agreement:
    if old is None or old.reason == LEFT_OUT:
        return Agreement.NEW if new and new.reason != LEFT_OUT else Agreement.SAME
    if new is None or new.reason == LEFT_OUT:
        return Agreement.UNDECIDED
    if (old.outcome, old.earned) == (new.outcome, new.earned):
        return Agreement.SAME
    open_ = [one for one in (old, new) if one.outcome in UNKNOWN or one.reason == ENDED_EARLY]
    return Agreement.UNDECIDED if open_ else Agreement.DIFFERS
