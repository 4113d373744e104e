"""What happened when, beside what: a timeline of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How a mark is meant: as it should be, as it should not be, or neither."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Mark:
    """Something that happened, in seconds since the timeline begins; a moment has no length."""

    start_s: float
    end_s: float
    what: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Lane:
    """Marks of one kind, in order; `left_out` says how many more there were."""

    name: str
    marks: tuple[Mark, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Timeline:
    """Several lanes on one axis of `duration_s`, drawn while a check of a requirement ran."""

    title: str
    requirement: str
    duration_s: float
    lanes: tuple[Lane, ...]
