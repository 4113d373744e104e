"""Commands for whoever runs labs: audit, doctor."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from graders import audit, doctor, labs
from graders.cli.base import NoLoad, Seed, app, out


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
