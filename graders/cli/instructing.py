"""Commands for whoever makes or runs labs: new, lint, audit, doctor."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from graders import audit, doctor, exports, labs, templates
from graders.cli.base import LabName, NoLoad, Seed, app, out
from graders.errors import UsageError
from graders.lint import lint
from graders.phases import duration


@app.command("new")
def make_lab(
    name: Annotated[str, typer.Argument(help="the new lab's name, such as rate_limiter")],
    template: Annotated[
        str,
        typer.Option("--from", help="service, several_services, sql_files, test_suite, document"),
    ] = "service",
) -> None:
    """Make a new lab from a template: a small one that already runs, for you to rewrite.

    Example: lab new rate_limiter --from service
    """
    folder = templates.new_lab(name, template)
    out.print(f"{folder} is there: begin with {folder}/lab.toml and {folder}/README.md.")
    out.print(f"next: lab lint {name}, then lab audit {name}; docs/instructors.md says the rest.")


@app.command("export")
def export_lab(
    lab: LabName,
    students: Annotated[
        Path | None, typer.Option(help="a folder: the lab without solutions, for students")
    ] = None,
    gradescope: Annotated[Path | None, typer.Option(help="a zip: an autograder")] = None,
    github: Annotated[Path | None, typer.Option(help="a class repository: a workflow")] = None,
    kit: Annotated[str, typer.Option(help="with --github: OWNER/NAME of this kit")] = "",
) -> None:
    """Write a lab for students, for Gradescope or for GitHub Actions.

    Example: lab export url_shortener --students ../course
    """
    folder = labs.find_lab(lab)
    written = []
    if students:
        written.append(exports.for_students(folder, students))
    if gradescope:
        written.append(exports.for_gradescope(folder, gradescope))
    if github:
        written.append(exports.for_github(folder, github, kit))
    if not written:
        raise UsageError(
            "Nothing to write.",
            "Say for whom: --students FOLDER, --gradescope ZIP, --github FOLDER.",
        )
    for path in written:
        out.print(f"written: {path}", soft_wrap=True)


@app.command("audit")
def audit_labs(
    lab: Annotated[str | None, typer.Argument(help="only this lab")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="grade everything so many times")] = 1,
    no_load: NoLoad = False,
    only: Annotated[list[str] | None, typer.Option(help="only this solution or mutant")] = None,
    seed: Seed = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="do not go on with an audit that was interrupted")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="grades side by side; one that measures load runs alone")
    ] = 2,
) -> None:
    """Grade the graders: starter fails, solutions pass, each mutant is caught by its requirement.

    Example: lab audit url_shortener --repeat 5
    """
    chosen = [labs.find_lab(lab)] if lab else labs.all_labs()
    sound = True
    for folder in chosen:
        plan = audit.Plan(folder, repeat, not no_load, tuple(only or ()), seed, fresh, workers)
        certificate = _audited(plan)
        out.print(audit.to_table(certificate))
        for problem in certificate.problems:
            out.print(Text(f"✗ {problem}", style="bold red"))
        out.print(Text(certificate.sentence, style="bold"))
        if certificate.complete:
            (folder / "certificate.md").write_text(audit.to_markdown(certificate), "utf-8")
            (folder / "certificate.json").write_text(audit.to_json(certificate), "utf-8")
        sound = sound and not certificate.problems
    sys.exit(0 if sound else 1)


def _audited(plan: audit.Plan) -> audit.Certificate:
    """Audit a lab under a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    left = TextColumn("{task.fields[left]}", style="cyan")
    with Progress(*columns, TimeElapsedColumn(), left, console=out) as bar:
        task = bar.add_task(f"auditing {plan.lab.name}", total=None, left="")

        def show(now: audit.Ahead) -> None:
            about = f"auditing {plan.lab.name}" + (f", last {now.last}" if now.last else "")
            left = f"about {duration(now.left_s)} left" if now.left_s else ""
            bar.update(task, completed=now.done, total=now.total, description=about, left=left)

        return audit.audit(plan, show)


@app.command("lint")
def lint_labs(
    lab: Annotated[str | None, typer.Argument(help="only this lab")] = None,
) -> None:
    """Say all that is wrong with labs and can be known without running them.

    Example: lab lint url_shortener
    """
    chosen = [labs.find_lab(lab)] if lab else labs.all_labs()
    problems = [problem for folder in chosen for problem in lint(folder)]
    for problem in problems:
        out.print(Text(str(problem)), soft_wrap=True)
    names = ", ".join(folder.name for folder in chosen)
    out.print(f"{names}: {len(problems) or 'no'} problem{'s' * (len(problems) != 1)}")
    sys.exit(2 if problems else 0)


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
