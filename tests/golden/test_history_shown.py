"""What `lab history` shows of one lab: trends, what changed last, all attempts together."""

import dataclasses
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graders.cli.base import app, out
from graders.history import History
from graders.model import Interval, LoadFigures, Outcome, Report
from graders.verdict import judge_submission

EXPECTED = Path(__file__).with_name("expected")
LAB = "guest_book"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """A kit with a lab and an empty history."""
    folder = tmp_path / "labs" / LAB
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(out, "width", 100)
    monkeypatch.setenv("LAB_HISTORY_URL", f"sqlite:///{tmp_path}/history.sqlite")
    return History(os.environ["LAB_HISTORY_URL"])


def attempt(report: Report, minute: int, p95_ms: float, sql: float, content: str) -> Report:
    """Return an attempt whose p95 and statements are these; the entry is kept from minute 2 on."""
    kept = Outcome.PASSED if minute >= 2 else Outcome.FAILED
    requirements = tuple(
        dataclasses.replace(one, outcome=kept, earned=one.points if minute >= 2 else 0)
        if one.id == "keeps-entries"
        else one
        for one in report.requirements
    )
    ratio = p95_ms / 2
    submission = dataclasses.replace(report.loads[0].submission, p95_ms=p95_ms)
    counted = LoadFigures(
        *("work", "counted", None, 1, (), None, submission, None), {"sql_per_request": sql}
    )
    limit = dataclasses.replace(
        report.thresholds[0], ratio=Interval(ratio, ratio * 0.9, ratio * 1.1)
    )
    return dataclasses.replace(
        report,
        attempt=f"20240229T12000{minute}-abc123",
        started_at=f"2024-02-29T12:0{minute}:00+00:00",
        content_hash=content,
        requirements=requirements,
        verdict=judge_submission(requirements, None),
        thresholds=(limit,),
        loads=(dataclasses.replace(report.loads[0], submission=submission), counted),
    )


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["history", *arguments])
    assert result.exit_code == 0, result.output
    return "".join(f"{line.rstrip()}\n" for line in result.output.splitlines())


def test_the_history_of_a_lab(
    lab: History, report: Report, compare: Callable[[Path, str], None]
) -> None:
    for one in (
        attempt(report, 1, 6.0, 3.0, "a"),
        attempt(report, 2, 3.0, 1.5, "b"),
        attempt(report, 3, 3.6, 1.5, "b"),
    ):
        lab.record(one, Path())
    lab.use_hint(LAB, "fast", 2)
    lab.view_solution(LAB, "plain", spoilt=True)
    text = shown(LAB)
    compare(EXPECTED / "history.txt", text)
    assert "of 2 attempts" in text  # only those of the content measured last


def test_what_changed_between_two_contents(
    lab: History, report: Report, compare: Callable[[Path, str], None]
) -> None:
    lab.record(attempt(report, 1, 6.0, 3.0, "a"), Path())
    lab.record(attempt(report, 2, 3.0, 1.5, "b"), Path())
    text = shown(LAB)
    compare(EXPECTED / "history-changed.txt", text[text.index("since each was graded last") :])
    assert "✓ keeps-entries was failed" in text


def test_after_load_alone_it_says_what_changed_since_the_load_before(
    lab: History, report: Report
) -> None:
    lab.record(attempt(report, 1, 6.0, 3.0, "a"), Path())
    saved = dataclasses.replace(attempt(report, 2, 3.0, 1.5, "b"), loads=(), thresholds=())
    partly = dataclasses.replace(saved.verdict, complete=False)
    lab.record(dataclasses.replace(saved, verdict=partly), Path())
    load = attempt(report, 3, 3.0, 1.5, "b")
    unasked = tuple(
        dataclasses.replace(one, outcome=Outcome.PASSED if one.stage == "load" else Outcome.SKIPPED)
        for one in load.requirements
    )
    lab.record(dataclasses.replace(load, requirements=unasked, verdict=partly), Path())
    text = shown(LAB)
    assert "✓ fast was inconclusive" in text
    assert "pages, p95: 3.00 × → 1.50 ×" in text
    [points] = [line.split() for line in text.splitlines() if line.startswith("  points")]
    assert points == ["points", "3/20"]  # the others left something out


def test_whole_attempts_without_load_have_points_side_by_side(lab: History, report: Report) -> None:
    for minute in (1, 2):
        one = attempt(report, minute, 6.0, 3.0, str(minute))
        lab.record(dataclasses.replace(one, loads=(), thresholds=()), Path())
    assert re.search(r"^  points +3/20 +8/20$", shown(LAB), re.MULTILINE)


def test_the_history_of_all_labs_is_the_list_of_attempts_alone(
    lab: History, report: Report
) -> None:
    assert "No attempts yet" in shown()
    lab.record(attempt(report, 1, 6.0, 3.0, "a"), Path())
    text = shown()
    assert "20240229T120001-abc123" in text
    assert "figures" not in text
