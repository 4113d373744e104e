"""How long an audit will still take, by what its grades took so far. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from graders.audit.subjects import Subject

TimesS = Mapping[Subject, Sequence[float]]


@dataclass(frozen=True)
class Ahead:
    """How far an audit is: grades done, of how many, the last one, and how long it will take.

    `left_s` is None as long as no grade of some kind (with load, without) was ever seen.
    """

    done: int
    total: int
    last: str
    left_s: float | None


def left_s(missing: Sequence[Subject], took_s: TimesS, workers: int) -> float | None:
    """Return the seconds that grades still to be made will take.

    Timed ones run alone, the others by so many workers. A subject takes what it took before, or
    what others of its kind take.
    """
    alone_s, side_by_side_s = 0.0, 0.0
    for subject in missing:
        seconds = _expected_s(subject, took_s)
        if seconds is None:
            return None
        if subject.timed:
            alone_s += seconds
        else:
            side_by_side_s += seconds
    return alone_s + side_by_side_s / workers


def _expected_s(subject: Subject, took_s: TimesS) -> float | None:
    own = list(took_s.get(subject, ()))
    kin = [all_s for other, all_s in took_s.items() if other.timed == subject.timed]
    known = own or [one for all_s in kin for one in all_s]
    return fmean(known) if known else None
