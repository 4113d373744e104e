"""The `lab` command: arguments, one call, exit code. The only place that prints."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graders import attempts, audit, doctor, labs, watch
from graders.attempts import Wishes
from graders.errors import GradingError, SubmissionError, UsageError
from graders.history import History
from graders.manifest import did_you_mean, load_manifest
from graders.model import CheckResult, Outcome, Report
from graders.report import TerminalReport
from graders.report.json_report import from_json
from graders.report.terminal import STYLES, first_trouble
from graders.report.words import MARKS
from graders.services import ServicesMode
from graders.state import history_url

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Build the classic system-design questions; graders judge what you built.",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

LabName = Annotated[str, typer.Argument(metavar="LAB", help="a lab's name, or its folder")]
Source = Annotated[
    Path | None, typer.Option("--from", help="the folder to grade [default: submissions/LAB]")
]
Services = Annotated[
    ServicesMode, typer.Option(help="start PostgreSQL and Redis, or use DATABASE_URL and REDIS_URL")
]
NoLoad = Annotated[bool, typer.Option("--no-load", help="leave the load profiles out")]
Seed = Annotated[int | None, typer.Option(help="repeat the random choices of an earlier attempt")]


def main() -> None:
    """Run the command line; every foreseeable problem becomes a message and an exit code."""
    try:
        app()
    except KeyboardInterrupt:
        err.print("\nStopped. Nothing was recorded, and nothing is left running.")
        sys.exit(130)
    except GradingError as error:
        _complain(error)


def _complain(error: GradingError) -> NoReturn:
    err.print(Text(f"{error.culprit}: {error.problem}", style="bold red"))
    for line in error.log:
        err.print(Text(f"  {line}", style="dim"))
    err.print(Text(f"next: {error.next_step}"))
    sys.exit(1 if isinstance(error, SubmissionError) else 2)


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
def start(lab: LabName, no_load: NoLoad = False, services: Services = "embedded") -> None:
    """Copy a lab's starter to submissions/LAB and grade it; on a terminal, again on every save.

    Example: lab start url_shortener
    """
    folder = labs.find_lab(lab)
    target = labs.default_submission(folder)
    if labs.start_submission(folder):
        out.print(
            f"Your copy of the starter is in {target}/. The question is in {folder}/README.md."
        )
    else:
        out.print(f"Going on with your work in {target}/.")
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        wishes = Wishes(lab, target, load=not no_load, services=services)
        sys.exit(_grade(wishes, record=True, to=None))
    options = [*(["--no-load"] if no_load else []), "--services", services]
    sys.exit(watch.grade_on_every_save(lab, target, options, _waiting))


def _waiting() -> None:
    out.print(Text("\nWaiting for you to save a file. Ctrl-C ends.", style="dim"))


@app.command()
def grade(
    lab: LabName,
    source: Source = None,
    stage: Annotated[list[str] | None, typer.Option(help="grade only this stage")] = None,
    requirement: Annotated[list[str] | None, typer.Option("-r", help="grade only this one")] = None,
    no_load: NoLoad = False,
    run_all: Annotated[bool, typer.Option("--all", help="go on after a failed stage")] = False,
    seed: Seed = None,
    services: Services = "embedded",
    to: Annotated[Path | None, typer.Option("--out", help="write the report files here")] = None,
    record: Annotated[bool, typer.Option(help="keep the attempt in the history")] = True,
) -> None:
    """Grade a submission once; exit code 0 passed, 1 failed, 2 could not grade, 3 inconclusive.

    Example: lab grade url_shortener --from labs/url_shortener/solutions/random_base62 --no-load
    """
    wishes = Wishes(
        lab, source, stage or (), requirement or (), not no_load, run_all, seed, services
    )
    sys.exit(_grade(wishes, record=record, to=to))


def _grade(wishes: Wishes, *, record: bool, to: Path | None) -> int:
    with _progress() as progress:
        report, folder = attempts.attempt(attempts.order(wishes), progress, record, to)
    out.print(TerminalReport(report))
    out.print(Text(f"report: {_short(folder)}/report.html", style="dim"), soft_wrap=True)
    out.print(Text(f"next: {_next_step(report)}"), soft_wrap=True)
    return report.verdict.exit_code


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[CheckResult], None]]:
    done = 0
    with out.status("starting services and submission …") as status:

        def show(result: CheckResult) -> None:
            nonlocal done
            done += 1
            status.update(f"{result.stage}: {done} checks done, last {result.requirement} …")

        yield show


def _short(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _next_step(report: Report) -> str:
    if report.problem:
        return report.problem.next_step
    trouble = first_trouble(report)
    if trouble and trouble.outcome is Outcome.FAILED:
        return (
            f"make `{trouble.id}` hold in {report.submission}, save, grade again; "
            f"for a nudge: .venv/bin/lab hint {report.lab} {trouble.id}"
        )
    if trouble and trouble.outcome is Outcome.INCONCLUSIVE:
        return "grade again while this machine is quiet; the doubt is not your fault."
    if trouble:
        return "this is not your submission's fault; show the report to the lab's author."
    if not report.verdict.complete:
        return f"grade everything: make grade-{report.lab}"
    return f"passed! Try the follow-up questions: labs/{report.lab}/follow_ups.toml"


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
    chosen = requirement or _failed_last(lab)
    if chosen not in ids:
        raise UsageError(
            f"{lab} has no requirement {chosen!r}{did_you_mean(chosen, ids)}.",
            f"Choose one of: {', '.join(ids)}.",
        )
    found = manifest.requirement(chosen)
    out.print(Text.assemble((found.id, "bold"), f"  {found.title}\n{found.hint}"))


def _failed_last(lab: str) -> str:
    recorded = History(history_url()).attempts(labs.find_lab(lab).name)
    for one in recorded[-1].requirements if recorded else []:
        if one.outcome == Outcome.FAILED:
            return one.requirement
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


@app.command("audit")
def audit_labs(
    lab: Annotated[str | None, typer.Argument(help="only this lab")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="grade everything so many times")] = 1,
    no_load: NoLoad = False,
    only: Annotated[list[str] | None, typer.Option(help="only this solution or mutant")] = None,
    seed: Seed = None,
) -> None:
    """Grade the graders: starter fails, solutions pass, each mutant is caught by its requirement.

    Example: lab audit url_shortener --repeat 5
    """
    chosen = [labs.find_lab(lab)] if lab else labs.all_labs()
    sound = True
    for folder in chosen:
        plan = audit.Plan(folder, repeat, load=not no_load, only=tuple(only or ()), seed=seed)
        with out.status(f"auditing {folder.name} …") as status:
            certificate = audit.audit(plan, status.update)
        out.print(audit.to_table(certificate))
        for problem in certificate.problems:
            out.print(Text(f"✗ {problem}", style="bold red"))
        out.print(Text(certificate.sentence, style="bold"))
        if certificate.complete:
            (folder / "certificate.md").write_text(audit.to_markdown(certificate), "utf-8")
        sound = sound and not certificate.problems
    sys.exit(0 if sound else 1)


@app.command("doctor")
def examine_machine() -> None:
    """Say what this machine offers, and what to do about what is missing.

    Example: lab doctor
    """
    well = True
    for finding in doctor.examine():
        mark, style = ("✓", "green") if finding.well else ("✗", "bold red")
        out.print(
            Text.assemble((mark, style), f" {finding.part:<10} {finding.what}"), soft_wrap=True
        )
        if finding.next_step:
            out.print(Text(f"  next: {finding.next_step}"), soft_wrap=True)
        well = well and finding.well
    sys.exit(0 if well else 2)
