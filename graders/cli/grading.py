"""Commands that run a submission: start, grade, run."""

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from graders import attempts, labs
from graders.attempts import Wishes
from graders.cli.base import LabName, NoLoad, Plain, Sandbox, Seed, Services, Source, app, out
from graders.cli.progress import grade_shown, seeding_shown
from graders.cli.watching import watch_lab
from graders.model import Outcome, Report
from graders.playground import Played, play
from graders.report import TerminalReport, plain_lines
from graders.report.terminal import first_trouble
from graders.state import cache_folder

PLAYGROUND_PORT = 8000


@app.command()
def start(
    lab: LabName,
    no_load: NoLoad = False,
    services: Services = "embedded",
    seed: Seed = None,
    plain: Plain = False,
) -> None:
    """Copy a lab's starter to submissions/LAB and grade it; on a terminal, again on every save.

    A save is graded without load, first the check that failed last; a key adds the load.

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
    url = f"http://127.0.0.1:{PLAYGROUND_PORT}"
    out.print(f"To try it by hand: .venv/bin/lab run {folder.name}", soft_wrap=True)
    out.print(_locust_command(folder, url), soft_wrap=True)
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        wishes = Wishes(lab, target, load=not no_load, services=services, seed=seed)
        sys.exit(_grade(wishes, record=True, to=None, plain=plain))
    sys.exit(watch_lab(folder, services, seed, plain=plain))


@app.command()
def grade(
    lab: LabName,
    source: Source = None,
    stage: Annotated[list[str] | None, typer.Option(help="grade only this stage")] = None,
    requirement: Annotated[
        list[str] | None, typer.Option("--requirement", "-r", help="grade only this one")
    ] = None,
    no_load: NoLoad = False,
    run_all: Annotated[bool, typer.Option("--all", help="go on after a failed stage")] = False,
    seed: Seed = None,
    services: Services = "embedded",
    sandbox: Sandbox = "auto",
    untrusted: Annotated[
        bool,
        typer.Option("--untrusted", help="a stranger's work, as every archive is: at least bwrap"),
    ] = False,
    to: Annotated[Path | None, typer.Option("--out", help="write the report files here")] = None,
    record: Annotated[bool, typer.Option(help="keep the attempt in the history")] = True,
    plain: Plain = False,
) -> None:
    """Grade a submission once; exit code 0 passed, 1 failed, 2 could not grade, 3 inconclusive.

    Example: lab grade url_shortener --from labs/url_shortener/solutions/random_base62 --no-load
    """
    wishes = Wishes(
        lab,
        source,
        stage or (),
        requirement or (),
        load=not no_load,
        run_all=run_all,
        seed=seed,
        services=services,
        sandbox=sandbox,
        untrusted=untrusted,
    )
    sys.exit(_grade(wishes, record=record, to=to, plain=plain))


def _grade(wishes: Wishes, *, record: bool, to: Path | None, plain: bool) -> int:
    order = attempts.order(wishes)
    with grade_shown(order, still=plain) as progress:
        report, folder = attempts.attempt(order, progress, record, to)
    _show(report, plain=plain)
    out.print(Text(f"report: {short(folder)}/report.html", style="dim"), soft_wrap=True)
    out.print(Text(f"next: {next_step(report, wishes.lab)}"), soft_wrap=True)
    return report.verdict.exit_code


def _show(report: Report, *, plain: bool) -> None:
    if not plain:
        out.print(TerminalReport(report))
        return
    for line in plain_lines(report):
        out.print(Text(line), soft_wrap=True)


def short(folder: Path) -> Path:
    """Return a path as one would type it here."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def next_step(report: Report, lab: str) -> str:
    """Return what to do after a grade, in one sentence."""
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
    if not (labs.find_lab(lab) / "follow_ups.toml").exists():
        return f"passed! Draft what to tell of it: .venv/bin/lab story {lab}"
    return f"passed! Now defend it: .venv/bin/lab interview {lab}"


@app.command()
def run(
    lab: LabName,
    source: Source = None,
    port: Annotated[int, typer.Option(help="where the service listens")] = PLAYGROUND_PORT,
    services: Services = "embedded",
    large: Annotated[
        bool, typer.Option("--large", help="on the lab's database of real size, if it has one")
    ] = False,
) -> None:
    """Keep a submission running on fresh services, to try it by hand, until Ctrl-C.

    Example: lab run url_shortener --port 8080
    """
    wishes = Wishes(lab, source, services=services, large=large)
    with contextlib.ExitStack() as stack:
        status = stack.enter_context(out.status("starting …"))
        stack.enter_context(seeding_shown(status, cache_folder()))

        def show(played: Played) -> None:
            stack.close()
            _use_by_hand(played, labs.find_lab(lab))

        play(attempts.order(wishes), show, port)


def _use_by_hand(played: Played, lab: Path) -> None:
    app = played.app
    out.print(f"Your service answers at {app.base_url}.")
    addresses = {one.variable: one.url(one.host, one.port) for one in app.resources.values()}
    for variable, address in {**addresses, **played.env}.items():
        out.print(f"{variable}={address}", soft_wrap=True)
    out.print(_locust_command(lab, app.base_url), soft_wrap=True)
    out.print("Ctrl-C ends it.")
    with contextlib.suppress(KeyboardInterrupt):
        while app.replicas[0].process.exit_code(timeout_s=3600) is None:
            pass


def _locust_command(lab: Path, url: str) -> str:
    locustfile = lab / "load" / "locustfile.py"
    if not locustfile.exists():
        return ""
    return f"Load it from Locust's web page: .venv/bin/locust -f {locustfile} --host {url}"
