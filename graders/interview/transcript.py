"""An interview written down: questions, evidence, answers and how the learner rated them. Pure."""

import datetime
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from graders.interview.choosing import Question
from graders.interview.figures import number
from graders.interview.markdown import code, links_to, names_of


class Rating(Enum):
    """How much of one point of a strong answer was said."""

    SAID = 1.0
    PARTLY = 0.5
    MISSED = 0.0


MARKS: dict[Rating | None, str] = {
    Rating.SAID: "✓ said",
    Rating.PARTLY: "~ partly",
    Rating.MISSED: "✗ not said",
    None: "· not rated",
}


@dataclass
class Entry:
    """A question with what was answered so far: its lines, and ratings of the first points."""

    question: Question
    lines: list[str] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The answer, with characters that no file or terminal should get shown as escapes."""
        return "\n".join(_readable(line) for line in self.lines).strip()


def _readable(line: str) -> str:
    return "".join(
        one if one.isprintable() or one == "\t" else ascii(one)[1:-1] for one in line.rstrip()
    )


def score(entries: Sequence[Entry]) -> str:
    """Return how many of the rated points were said, in words."""
    ratings = [rating for one in entries for rating in one.ratings]
    if not ratings:
        return "not rated"
    earned = sum(rating.value for rating in ratings)
    return f"{number(earned)} of {len(ratings)} points"


def transcript(
    title: str, started_at: datetime.datetime, entries: Sequence[Entry], folder: Path
) -> str:
    """Return the interview as Markdown; links to reports are those of a file in `folder`."""
    answered = sum(bool(one.answer) for one in entries)
    lines = [
        f"# Interview: {title}",
        "",
        f"{started_at:%Y-%m-%d %H:%M} UTC, {answered} of {len(entries)} questions answered, "
        f"by my own rating: {score(entries)}.",
    ]
    for index, one in enumerate(entries, start=1):
        lines += ["", *_entry(index, one)]
    reasons = [one.question.evidence for one in entries if one.question.evidence]
    if links := links_to((past for one in reasons for past in one.attempts), folder):
        lines += ["", *links]
    return "\n".join(lines) + "\n"


def _entry(index: int, one: Entry) -> list[str]:
    lines = [f"## {index}. {one.question.text}", ""]
    if evidence := one.question.evidence:
        reason = f": {code(evidence.reason)}" if evidence.reason else ""
        lines += [f"Recorded: {evidence.sentence} ({names_of(evidence.attempts)}){reason}.", ""]
    answer = one.answer.splitlines() or ["(no answer)"]
    lines += ["**My answer**", "", *(f"> {line}".rstrip() for line in answer), ""]
    lines += [f"**What a strong answer contains** ({score([one])})", ""]
    points = itertools.zip_longest(one.question.listen_for, one.ratings)
    lines += [f"- {MARKS[rating]}: {point}" for point, rating in points]
    return lines
