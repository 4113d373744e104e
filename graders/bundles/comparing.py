"""Two grades of the same submission, set side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from graders.bundles.agreeing import contradiction
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
    """What one grade said of a requirement, or of the whole; `reason` only where it was skipped."""

    outcome: Outcome
    earned: int
    points: int
    reason: str = ""

    @property
    def is_left_out(self) -> bool:
        """Whether the lab had nothing to grade it with."""
        return self.reason == LEFT_OUT

    @property
    def is_open(self) -> bool:
        """Whether the grade could not say."""
        return self.outcome in UNKNOWN or self.reason == ENDED_EARLY


@dataclass(frozen=True)
class Row:
    """A requirement, or the verdict, in both grades; None where one of them lacks it."""

    id: str
    old: Graded | None
    new: Graded | None
    agreement: Agreement

    @property
    def is_missing(self) -> bool:
        """Whether the old grade should have had it, for all that is known of its lab."""
        return self.agreement is Agreement.NEW and self.old is None

    @property
    def is_gone(self) -> bool:
        """Whether only the old grade could tell."""
        lacks = self.new is None or self.new.is_left_out
        return self.agreement is Agreement.UNDECIDED and lacks


def compare(old: Report, new: Report, *, same_lab: bool) -> tuple[Row, ...]:
    """Return a row for each requirement, in the new report's order, and one for the verdict.

    Whatever one grade left open (inconclusive, error) contradicts nothing; nor does what only one
    of two labs can grade. One and the same lab grades the same requirements each time.
    """
    olds = {one.id: _graded(one) for one in old.requirements}
    news = {one.id: _graded(one) for one in new.requirements}
    pairs = {id_: (olds.get(id_), news.get(id_)) for id_ in {**news, **olds}}
    rows = [Row(id_, *pair, _agreement(*pair, same_lab)) for id_, pair in pairs.items()]
    said, found = _whole(old.verdict), _whole(new.verdict)
    agreement = _agreement(said, found, same_lab)
    if contradiction(old):
        agreement = Agreement.DIFFERS
    elif any(row.agreement is Agreement.NEW for row in rows):
        agreement = Agreement.NEW
    elif any(row.is_gone for row in rows):
        agreement = Agreement.UNDECIDED
    return (*rows, Row(VERDICT, said, found, agreement))


def exit_code(rows: Sequence[Row], new: Report) -> int:
    """0 the same, 1 they contradict each other, 2 could not grade, 3 one of them left it open."""
    agreements = {row.agreement for row in rows}
    if new.verdict.outcome is Outcome.ERROR:
        return 2
    if Agreement.DIFFERS in agreements:
        return 1
    # Whoever leaves a failure out can name another lab, too: that alone makes nothing the same.
    is_open = Agreement.UNDECIDED in agreements or any(row.is_missing for row in rows)
    return 3 if is_open else 0


def _graded(one: RequirementResult) -> Graded:
    # Of what was graded the reason tells figures, which are others each time.
    reason = one.reason if one.outcome is Outcome.SKIPPED else ""
    return Graded(one.outcome, one.earned, one.points, reason)


def _whole(verdict: Verdict) -> Graded:
    return Graded(verdict.outcome, verdict.earned, verdict.points)


def _agreement(old: Graded | None, new: Graded | None, same_lab: bool) -> Agreement:
    if old == new:
        return Agreement.SAME
    was_graded, is_graded = (bool(one and not one.is_left_out) for one in (old, new))
    if same_lab and (not old or not new or was_graded != is_graded):
        return Agreement.DIFFERS
    if not was_graded:
        return Agreement.NEW if is_graded else Agreement.SAME
    if not is_graded or (old and old.is_open) or (new and new.is_open):
        return Agreement.UNDECIDED
    return Agreement.DIFFERS
