"""What a reader of a report sees, character by character."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from graders.model import Outcome, Problem, Report
from graders.report import TerminalReport, plain_lines
from graders.report.exchange import to_junit, to_step_summary
from graders.verdict import ENDED_EARLY, judge_submission

EXPECTED = Path(__file__).with_name("expected")
WIDTH = 80
PROBLEM = Problem(
    culprit="submission",
    problem="The start command 'uvicorn app:app' ended with exit code 1 before it was ready.",
    next_step="Read its last lines below; `start` must stay in the foreground.",
    log=("Traceback (most recent call last):", "ModuleNotFoundError: No module named 'flask'"),
)


def judged(report: Report, outcomes: set[Outcome]) -> Report:
    """Return the report with only its requirements of some outcomes, and their verdict."""
    kept = tuple(one for one in report.requirements if one.outcome in outcomes)
    return dataclasses.replace(report, requirements=kept, verdict=judge_submission(kept, None))


def stopped(report: Report) -> Report:
    """Return the report of a grade that ended before its first check."""
    nothing = tuple(
        dataclasses.replace(one, outcome=Outcome.SKIPPED, earned=0, reason=ENDED_EARLY, checks=())
        for one in report.requirements
    )
    return dataclasses.replace(
        report,
        requirements=nothing,
        verdict=judge_submission(nothing, PROBLEM),
        thresholds=(),
        loads=(),
        estimates=(),
        problem=PROBLEM,
        log=(),
        look_alike=None,
        timelines=(),
    )


VARIANTS: dict[str, Callable[[Report], Report]] = {
    "failed": lambda report: report,
    "passed": lambda report: judged(report, {Outcome.PASSED}),
    "inconclusive": lambda report: judged(report, {Outcome.PASSED, Outcome.INCONCLUSIVE}),
    "error": lambda report: judged(report, {Outcome.PASSED, Outcome.ERROR}),
    "problem": stopped,
}


def on_a_terminal(report: Report) -> str:
    """Return what the terminal shows, without colours and without spaces at the ends of lines."""
    paper = io.StringIO()
    console = Console(file=paper, width=WIDTH, no_color=True, highlight=False, legacy_windows=False)
    console.print(TerminalReport(report))
    return "".join(f"{line.rstrip()}\n" for line in paper.getvalue().splitlines())


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_terminal_shows(
    variant: str, report: Report, compare: Callable[[Path, str], None]
) -> None:
    compare(EXPECTED / f"terminal-{variant}.txt", on_a_terminal(VARIANTS[variant](report)))


@pytest.mark.parametrize("variant", ["failed", "problem"])
def test_plain_lines_say(
    variant: str, report: Report, compare: Callable[[Path, str], None]
) -> None:
    text = "".join(f"{line}\n" for line in plain_lines(VARIANTS[variant](report)))
    compare(EXPECTED / f"plain-{variant}.txt", text)
    assert not set(text) & set("✓✗·━▄█")


@pytest.mark.parametrize("variant", ["failed", "problem"])
def test_the_step_summary_says(
    variant: str, report: Report, compare: Callable[[Path, str], None]
) -> None:
    compare(EXPECTED / f"summary-{variant}.md", to_step_summary(VARIANTS[variant](report)))


@pytest.mark.parametrize("variant", ["failed", "problem"])
def test_junit_says(variant: str, report: Report, compare: Callable[[Path, str], None]) -> None:
    compare(EXPECTED / f"junit-{variant}.xml", to_junit(VARIANTS[variant](report)))
