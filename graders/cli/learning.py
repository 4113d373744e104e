"""Commands that look things up: list, hint, solution, report."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from graders import labs
from graders.cli.base import LabName, app, out
from graders.errors import UsageError
from graders.history import Attempt, History, own_attempts
from graders.manifest import Manifest, Requirement, did_you_mean, load_manifest
from graders.model import Outcome
from graders.report import TerminalReport
from graders.report.json_report import from_json
from graders.state import history_url

LARGEST_SHOWN_BYTES = 100_000


@app.command("list")
def list_labs() -> None:
    """List the labs, each with how far you are and your best score.

    Example: lab list
    """
    table = Table(box=None, header_style="dim")
    for name in ("lab", "question", "minutes", "state", "best"):
        table.add_column(name, justify="right" if name in ("minutes", "best") else "left")
    history = History(history_url())
    for lab in labs.all_labs():
        manifest, attempts = load_manifest(lab), own_attempts(history.attempts(lab.name), lab)
        state, best = _state(lab, attempts), _best(attempts)
        table.add_row(lab.name, manifest.lab.question, str(manifest.lab.minutes), state, best)
    out.print(table)
    out.print("Begin one, or go on with it: make lab-<lab>")


def _state(lab: Path, attempts: list[Attempt]) -> str:
    if any(has_passed(one) for one in attempts):
        return "passed"
    if attempts:
        last = attempts[-1]
        passed = sum(one.outcome == Outcome.PASSED for one in last.requirements)
        return f"{passed} of {len(last.requirements)} hold"
    return "started" if labs.default_submission(lab).exists() else "not begun"


def has_passed(attempt: Attempt) -> bool:
    """Say if an attempt was graded as a whole, and passed."""
    return attempt.complete and attempt.outcome == Outcome.PASSED


def _best(attempts: list[Attempt]) -> str:
    """Return the best score of a whole grade; while there is none, of any part."""
    graded = [one for one in attempts if one.complete] or attempts
    best = max(graded, key=lambda one: one.earned, default=None)
    return f"{best.earned}/{best.points}" if best else ""


@app.command()
def hint(
    lab: LabName,
    requirement: Annotated[str | None, typer.Argument(help="a requirement's id")] = None,
    step: Annotated[
        int | None, typer.Option(min=1, max=3, help="1 a nudge, 2 a direction, 3 the technique")
    ] = None,
    all_steps: Annotated[bool, typer.Option("--all", help="all steps at once")] = False,
) -> None:
    """Give the next step of a hint: a nudge, a direction, the technique. It is recorded.

    Without a requirement: for the first that failed last time.

    Example: lab hint url_shortener alias-race
    """
    folder = labs.find_lab(lab)
    manifest, name = load_manifest(folder), folder.resolve().name
    own = own_attempts(History(history_url()).attempts(name), folder)
    ids = [one.id for one in manifest.requirements]
    chosen = requirement or _failed_last(own, manifest)
    if chosen not in ids:
        raise UsageError(
            f"{lab} has no requirement {chosen!r}{did_you_mean(chosen, ids)}.",
            f"Choose one of: {', '.join(ids)}.",
        )
    _give(manifest.requirement(chosen), name, step, all_steps=all_steps)


def _give(requirement: Requirement, lab: str, step: int | None, *, all_steps: bool) -> None:
    history, steps = History(history_url()), requirement.hints
    used = history.hints_used(lab).get(requirement.id, 0)
    if step and step > len(steps):
        raise UsageError(
            f"The hint for {requirement.id} has {len(steps)} step{'s' * (len(steps) != 1)}.",
            "Ask for one of them.",
        )
    last = len(steps) if all_steps else step or min(used + 1, len(steps))
    first = 1 if all_steps else last
    out.print(Text.assemble((requirement.id, "bold"), f"  {requirement.title}"))
    for number, (name, text) in enumerate(steps[first - 1 : last], start=first):
        history.use_hint(lab, requirement.id, number)
        out.print(Text.assemble((f"{number} of {len(steps)}, {name}: ", "yellow"), text))
    if not all_steps and step is None and used == len(steps):
        out.print(Text("These are all the hints there are; --all shows them again.", "dim"))


def _failed_last(attempts: list[Attempt], manifest: Manifest) -> str:
    last = attempts[-1].requirements if attempts else []
    failed = {one.requirement for one in last if one.outcome == Outcome.FAILED}
    for requirement in manifest.requirements:
        if requirement.id in failed:
            return requirement.id
    raise UsageError("No requirement failed in your last attempt.", "Name one: lab hint LAB ID")


@app.command()
def solution(
    lab: LabName,
    name: Annotated[
        str | None, typer.Argument(help="a solution; without one: which there are")
    ] = None,
    spoil: Annotated[
        bool, typer.Option("--spoil", help="before you passed; it is recorded")
    ] = False,
) -> None:
    """Show a solution, once you have passed.

    Example: lab solution url_shortener random_base62
    """
    folder = labs.find_lab(lab)
    found = sorted(one.name for one in (folder / "solutions").glob("*/"))
    if not found:
        raise UsageError(f"{folder} comes without solutions.", "Ask whoever gave it to you.")
    if not name:
        reference = Path(load_manifest(folder).lab.reference or "").name
        for one in found:
            out.print(Text.assemble((one, "bold"), " (the reference)" if one == reference else ""))
        out.print(f"next: lab solution {lab} {found[0]}, after a passed attempt or with --spoil")
        return
    if name not in found:
        raise UsageError(
            f"{lab} has no solution {name!r}{did_you_mean(name, found)}.",
            f"Choose one of: {', '.join(found)}.",
        )
    history, lab_name = History(history_url()), folder.resolve().name
    own = own_attempts(history.attempts(lab_name), folder)
    passed = any(has_passed(one) for one in own)
    if not passed and not spoil:
        raise UsageError(
            f"No whole attempt of yours at {lab_name} passed yet, and a solution would spoil it.",
            f"Ask for a hint: lab hint {lab_name}; or say that you want it: --spoil.",
        )
    history.view_solution(lab_name, name, spoilt=not passed)
    _show(folder / "solutions" / name)


def _show(folder: Path) -> None:
    out.print(Text(f"{folder}/", "bold"))
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        if "__pycache__" in path.parts or path.stat().st_size > LARGEST_SHOWN_BYTES:
            continue
        out.print(Text(f"\n── {path.relative_to(folder)}", "bold cyan"))
        text = path.read_text(encoding="utf-8", errors="replace")
        lexer = Syntax.guess_lexer(str(path), text)
        out.print(Syntax(text, lexer, theme="ansi_dark", background_color="default"))


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
