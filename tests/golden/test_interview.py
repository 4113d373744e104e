"""What a learner keeps of an interview, and the story drafted for the next one."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.history import History
from graders.interview import Entry, Past, Rating, choose, own_attempts, story, transcript
from graders.manifest import FollowUps, Manifest
from graders.model import Outcome, Report, RequirementResult
from graders.report import write_all
from graders.verdict import judge_submission

EXPECTED = Path(__file__).with_name("expected")
STARTED_AT = datetime.datetime(2024, 3, 2, 18, 30, tzinfo=datetime.UTC)
FOLLOW_UPS = FollowUps.model_validate(
    {
        "follow_ups": [
            {
                "question": "A guest writes 20,000 entries. What breaks first?",
                "listen_for": ["The page, which shows all of them.", "Nothing is limited."],
                "requirements": ["cheap"],
            },
            {
                "question": "Your p99 is {value} × your median ({p99_ms} to {p50_ms} ms): why?",
                "listen_for": ["Waiting, not working.", "A trace of a slow page.", "Who notices."],
                "requirements": ["fast"],
                "when": {"metric": "p99_over_p50", "profile": "pages", "above": 3},
            },
            {
                "question": '"{title}" failed {times}: what would you change?',
                "listen_for": ["Bytes in, bytes out.", "Escaping belongs to the reader's side."],
                "requirements": ["keeps-entries"],
                "when": {"failed": "keeps-entries", "times": 2},
            },
        ]
    }
)  # fmt: skip


@pytest.fixture
def manifest(report: Report) -> Manifest:
    """The manifest of the lab that the fixed report is about."""
    stages = dict.fromkeys(one.stage for one in report.requirements)
    return Manifest.model_validate(
        {
            "schema": 1,
            "lab": {"title": report.title, "question": "How would you keep guests?", "minutes": 5},
            "stages": [{"name": name, "title": f"The {name}"} for name in stages],
            "requirements": [
                {key: getattr(one, key) for key in ("id", "stage", "title", "points")}
                | {"hint": "?"}
                for one in report.requirements
            ],
        }
    )


def held(one: RequirementResult) -> RequirementResult:
    """Return a requirement as it is once it holds."""
    return dataclasses.replace(one, outcome=Outcome.PASSED, earned=one.points, reason="", checks=())


@pytest.fixture
def past(report: Report, tmp_path: Path) -> list[Past]:
    """Three attempts: two fail, the third is better, faster, and not yet whole."""
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    requirements = tuple(
        held(one) if one.id in ("keeps-entries", "cheap") else one for one in report.requirements
    )
    faster = dataclasses.replace(report.loads[0].submission, p50_ms=1.5, p95_ms=3.0, p99_ms=6.0)
    better = dataclasses.replace(
        report,
        requirements=requirements,
        verdict=judge_submission(requirements, None),
        loads=(dataclasses.replace(report.loads[0], submission=faster),),
    )
    for day, one in enumerate((report, report, better), start=1):
        named = dataclasses.replace(
            one,
            attempt=f"2024030{day}T120000-abc123",
            started_at=f"2024-03-0{day}T12:00:00.000+00:00",
            content_hash=f"{day}" * 64,
        )
        folder = tmp_path / "attempts" / named.lab / named.attempt
        write_all(named, folder)
        history.record(named, folder)
    return own_attempts(history.attempts(), tmp_path / "labs")


def test_the_transcript_says(
    manifest: Manifest, past: list[Past], tmp_path: Path, compare: Callable[[Path, str], None]
) -> None:
    entries = [Entry(one) for one in choose(FOLLOW_UPS, manifest, past, 5)]
    entries[0].lines += ["Some pages wait for a *connection*,", "  and some don't. \x1b[2J\udce9"]
    entries[0].ratings += [Rating.SAID, Rating.PARTLY, Rating.MISSED]
    entries[1].lines += ["# I would escape later"]
    entries[1].ratings += [Rating.SAID]
    folder = tmp_path / "interviews" / "guest_book"
    text = transcript(manifest.lab.title, STARTED_AT, entries, folder)
    compare(EXPECTED / "interview-transcript.md", text)


def test_the_story_says(
    manifest: Manifest, past: list[Past], tmp_path: Path, compare: Callable[[Path, str], None]
) -> None:
    compare(EXPECTED / "story.md", story(manifest, past, tmp_path))
