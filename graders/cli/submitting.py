"""Commands for handing in: submit, key."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.text import Text

from graders import bundles, labs
from graders.attempts import Wishes
from graders.bundles import Graded, Key, Packed
from graders.cli.base import Contained, LabName, Seed, Services, app, out
from graders.cli.grading import next_step, short
from graders.cli.progress import grade_shown
from graders.model import Outcome
from graders.report import TerminalReport

SHOWN_FILES = 40
SHOWN_CHARACTERS = 12  # of a hash


@app.command()
def submit(
    lab: LabName,
    source: Annotated[
        Path | None, typer.Option("--from", help="the folder to hand in [default: submissions/LAB]")
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="only show what would be handed in")
    ] = False,
    seed: Seed = None,
    services: Services = "embedded",
    sandbox: Contained = "auto",
    to: Annotated[
        Path | None, typer.Option("--out", help="write the bundle here [default: submissions/]")
    ] = None,
) -> None:
    """Pack a submission, grade it as an instructor would, and write one signed bundle.

    Exit codes are those of `lab grade`; 1 also when it can't be packed.

    Example: lab submit url_shortener --list
    """
    folder = labs.find_lab(lab)
    packed = bundles.pack(source or labs.default_submission(folder))
    _show_files(packed, len(packed.files) if only_list else SHOWN_FILES)
    if only_list:
        return
    bundles.refuse_place(to)
    key = bundles.signing_key()
    wishes = Wishes(str(folder), seed=seed, services=services, sandbox=sandbox)
    graded = bundles.grade(packed, wishes, grade_shown)
    out.print(TerminalReport(graded.report))
    out.print(Text(f"report: {short(graded.folder)}/report.html", style="dim"), soft_wrap=True)
    path = write(graded, to, key)
    passed = graded.report.verdict.outcome is Outcome.PASSED
    first = "" if passed else f"; or first: {next_step(graded.report, wishes.lab)}"
    out.print(Text(f"next: hand in {short(path)}{first}"), soft_wrap=True)
    sys.exit(graded.report.verdict.exit_code)


def _show_files(packed: Packed, most: int) -> None:
    out.print(Text(f"From {packed.source}:"), soft_wrap=True)
    for path, member in list(packed.files.items())[:most]:
        out.print(Text(f"  {decimal(len(member.content)):>10}  {path}"), soft_wrap=True)
    if len(packed.files) > most:
        out.print(f"  … and {len(packed.files) - most} more: --list shows all")
    count = len(packed.files)
    out.print(
        f"{count} file{'s' * (count != 1)}, {decimal(packed.size_bytes)}, "
        f"content {packed.content_hash[:SHOWN_CHARACTERS]}"
    )
    for by in dict.fromkeys(one.left_out_by for one in packed.left_out):
        names = [str(one.path) for one in packed.left_out if one.left_out_by == by]
        more = f" and {len(names) - most} more" if len(names) > most else ""
        out.print(Text(f"left out by {by}: {', '.join(names[:most])}{more}", "dim"), soft_wrap=True)


def write(graded: Graded, to: Path | None, key: Key) -> Path:
    """Seal a graded submission, write the bundle and say where it is; its path."""
    bundle = bundles.sealed(graded, key)
    path = bundles.place(to, labs.SUBMISSIONS, graded.report)
    bundles.write_bundle(bundle, path)
    out.print(Text(f"bundle: {short(path)} ({decimal(len(bundle))})"), soft_wrap=True)
    out.print(Text(f"signed: {key.fingerprint} ({key.path})", style="dim"), soft_wrap=True)
    return path


@app.command("key")
def show_key() -> None:
    """Show the key that signs your bundles; it is made when there is none.

    Example: lab key
    """
    key = bundles.signing_key()
    out.print(f"private key  {key.path}", soft_wrap=True)
    out.print(f"fingerprint  {key.fingerprint}", soft_wrap=True)
    out.print(f"public key   {key.public}", soft_wrap=True)
    out.print(
        "next: tell your instructor the fingerprint, or the public key; keep the private one.",
        soft_wrap=True,
    )
