"""Commands that look things up: list, hint, history, report."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from graders import labs
from graders.cli.base import LabName, app, out
from graders.errors import UsageError
from graders.history import History
from graders.manifest import Manifest, did_you_mean, load_manifest
from graders.model import Outcome
from graders.report import TerminalReport
from graders.report.json_report import from_json
from graders.report.terminal import STYLES
from graders.report.words import MARKS
from graders.state import history_url


@app.command("list")
def list_labs() -> None:
    """List the labs, with your best attempt at each.

    Example: lab list
    """
    table = Table(box=None, header_style="dim")
    for name in ("lab", "question", "minutes", "your best"):
        table.add_column(name, justify="right" if name == "minutes" else "left")
    for lab in labs.all_labs():
        manifest = load_manifest(lab)
        table.add_row(lab.name, manifest.lab.question, str(manifest.lab.minutes), _best(lab.name))
    out.print(table)
    out.print("Begin one: make lab-<lab>")


def _best(lab: str) -> str:
    complete = [one for one in History(history_url()).attempts(lab) if one.complete]
    if not complete:
        return "not graded yet"
    best = max(complete, key=lambda one: one.earned)
    return f"{best.earned}/{best.points} {best.outcome}"


@app.command()
def hint(
    lab: LabName,
    requirement: Annotated[str | None, typer.Argument(help="a requirement's id")] = None,
) -> None:
    """Give a nudge for one requirement; without one, for the first that failed last time.

    Example: lab hint url_shortener alias-race
    """
    manifest = load_manifest(labs.find_lab(lab))
    ids = [one.id for one in manifest.requirements]
    chosen = requirement or _failed_last(lab, manifest)
    if chosen not in ids:
        raise UsageError(
            f"{lab} has no requirement {chosen!r}{did_you_mean(chosen, ids)}.",
            f"Choose one of: {', '.join(ids)}.",
        )
    found = manifest.requirement(chosen)
    out.print(Text.assemble((found.id, "bold"), f"  {found.title}\n{found.hint}"))


def _failed_last(lab: str, manifest: Manifest) -> str:
    recorded = History(history_url()).attempts(labs.find_lab(lab).name)
    last = recorded[-1].requirements if recorded else []
    failed = {one.requirement for one in last if one.outcome == Outcome.FAILED}
    for requirement in manifest.requirements:
        if requirement.id in failed:
            return requirement.id
    raise UsageError("No requirement failed in your last attempt.", "Name one: lab hint LAB ID")


@app.command()
def history(
    lab: Annotated[str | None, typer.Argument(help="only this lab")] = None,
) -> None:
    """Show your attempts, oldest first.

    Example: lab history url_shortener
    """
    table = Table(box=None, header_style="dim")
    for name in ("attempt", "lab", "verdict", "points", "requirements", "took", "submission"):
        table.add_column(name, justify="right" if name in ("points", "took") else "left")
    for one in History(history_url()).attempts(labs.find_lab(lab).name if lab else None):
        outcome = Outcome(one.outcome)
        passed = sum(each.outcome == Outcome.PASSED for each in one.requirements)
        table.add_row(
            one.attempt,
            one.lab,
            Text(f"{MARKS[outcome]} {outcome}", STYLES[outcome]),
            f"{one.earned}/{one.points}",
            f"{passed} of {len(one.requirements)}" + ("" if one.complete else ", partial"),
            f"{one.duration_s:.0f} s",
            one.submission,
        )
    out.print(table if table.rows else "No attempts yet. Begin one: make lab-<lab>")


@app.command()
def report(
    lab: LabName,
    attempt: Annotated[str | None, typer.Option(help="an attempt's name [default: last]")] = None,
    kind: Annotated[Literal["terminal", "json", "path"], typer.Option("--as")] = "terminal",
) -> None:
    """Show the report of an attempt again, or where its files are.

    Example: lab report url_shortener --as path
    """
    recorded = History(history_url()).attempts(labs.find_lab(lab).name)
    chosen = [one for one in recorded if attempt in (None, one.attempt)]
    if not chosen:
        raise UsageError(
            f"There is no attempt {attempt or 'of this lab'} yet.", f"Try: lab history {lab}"
        )
    folder = Path(chosen[-1].report_folder)
    try:
        text = (folder / "report.json").read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The files of that attempt are gone: {error}.", "Grade again.") from None
    if kind == "terminal":
        out.print(TerminalReport(from_json(text)))
    print(text if kind == "json" else folder)
