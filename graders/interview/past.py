"""A learner's own attempts at a lab, as the history has them, with their reports where kept."""

import datetime
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from graders.history import Attempt
from graders.history import own_attempts as own_rows
from graders.model import Outcome, Report
from graders.report.json_report import from_json

DECIDED = (Outcome.PASSED, Outcome.FAILED)


@dataclass(frozen=True)
class Past:
    """One attempt; `load` reads its report when it is first asked for, and may find none."""

    name: str
    started_at: datetime.datetime
    content_hash: str
    outcome: Outcome
    earned: int
    points: int
    complete: bool
    outcomes: Mapping[str, Outcome]
    folder: Path
    load: Callable[[], Report | None]

    @functools.cached_property
    def report(self) -> Report | None:
        """The report, or None if its file is gone or of another version."""
        return self.load()

    @property
    def page(self) -> Path:
        """Where the report's page was written."""
        return self.folder / "report.html"


def own_attempts(recorded: Iterable[Attempt], lab: Path, source: Path | None = None) -> list[Past]:
    """Return the attempts in their order, without those on what comes with the lab.

    With a `source`, only those of this folder or archive, wherever it lies.
    """
    return [_past(one) for one in own_rows(recorded, lab, source)]


def _past(one: Attempt) -> Past:
    folder = Path(one.report_folder)
    return Past(
        name=one.attempt,
        started_at=one.started_at,
        content_hash=one.content_hash,
        outcome=Outcome(one.outcome),
        earned=one.earned,
        points=one.points,
        complete=one.complete,
        outcomes={each.requirement: Outcome(each.outcome) for each in one.requirements},
        folder=folder,
        load=lambda: _report(folder / "report.json"),
    )


def _report(file: Path) -> Report | None:
    try:
        return from_json(file.read_bytes())
    except (OSError, ValueError):
        return None


def decided(past: Iterable[Past], requirement: str) -> list[tuple[Past, Outcome]]:
    """Return the attempts in which a requirement passed or failed, with which of the two."""
    found = [(one, one.outcomes.get(requirement)) for one in past]
    return [(one, outcome) for one, outcome in found if outcome in DECIDED]
