"""Commands for whoever is handed a bundle: verify, regrade."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from graders import bundles
from graders.attempts import Wishes
from graders.bundles import Agreement, Bundle, Row
from graders.cli.base import Contained, Services, app, out
from graders.cli.grading import short
from graders.cli.progress import grade_shown
from graders.cli.submitting import SHOWN_CHARACTERS, write
from graders.errors import BundleError
from graders.report.terminal import STYLES
from graders.report.words import MARKS

UNKNOWN_SIGNER = 3
AGREEMENT_STYLES = {Agreement.DIFFERS: "bold red", Agreement.UNDECIDED: "yellow"}

BundleFile = Annotated[Path, typer.Argument(metavar="BUNDLE", help="a file `lab submit` wrote")]
Signer = Annotated[
    str | None,
    typer.Option(
        help="whose signature counts: a fingerprint, a public key or a file of them "
        "[default: yours, and those in trusted_keys]"
    ),
]


@app.command()
def verify(bundle: BundleFile, signer: Signer = None) -> None:
    """Say if a bundle is what was signed, to the byte, and by whom; nothing of it is run.

    Exit code 0 whole and signed by one you know, 1 refused, 2 could not be read, 3 whole but
    signed by somebody unknown.

    Example: lab verify url_shortener.bundle --signer SHA256:W1yVYwsd0Ng5
    """
    sys.exit(_verified(bundles.read_bundle(bundle), signer))


def _verified(bundle: Bundle, signer: str | None) -> int:
    """Show what a bundle says and who vouches for it; 0, or 3 when that is nobody known."""
    known = bundles.signers(signer)
    if signer and bundle.signer not in known:
        raise BundleError(
            f"The bundle is signed by {bundle.signer}, whom --signer does not name.",
            "Ask who signed it; what was changed can be signed again, with any other key.",
        )
    name = known.get(bundle.signer)
    out.print(Text("✓ whole: every byte is what was signed", "green"))
    mark, style, who = ("✓", "green", name) if name else ("?", "yellow", "unknown here")
    out.print(Text(f"{mark} signed by {bundle.signer}: {who}", style), soft_wrap=True)
    out.print(_claims(bundle))
    if bundle.manifest.sandbox == "process":
        out.print(
            Text(
                "! graded at level process, where work can forge its own pass: lab regrade tells",
                "yellow",
            ),
            soft_wrap=True,
        )
    if not name:
        out.print(
            "next: anybody may have signed it. Ask the sender for the fingerprint that `lab key` "
            "shows, then: lab verify BUNDLE --signer FINGERPRINT",
            soft_wrap=True,
        )
    return 0 if name else UNKNOWN_SIGNER


def _claims(bundle: Bundle) -> Table:
    manifest, verdict = bundle.manifest, bundle.report.verdict
    points = f"{verdict.outcome.value}, {verdict.earned} of {verdict.points} points"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in (
        ("lab", f"{manifest.lab}, attempt {manifest.attempt}"),
        ("graded", f"{manifest.graded_at}, sandbox level {manifest.sandbox}"),
        ("verdict", points if verdict.complete else f"{points}, partial"),
        ("seed", str(manifest.seed)),
        ("content", f"{manifest.content_hash}, {len(bundle.files)} files"),
        ("versions", _listed(manifest.versions)),
        ("machine", _listed(manifest.machine)),
    ):
        table.add_row(name, Text(value))
    return table


def _listed(named: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {_brief(name, value)}" for name, value in named.items())


def _brief(name: str, value: str) -> str:
    return value[:SHOWN_CHARACTERS] if name.endswith("_sha256") else value


@app.command()
def regrade(
    bundle: BundleFile,
    lab: Annotated[
        str | None, typer.Option(help="the lab's folder [default: the one in labs/]")
    ] = None,
    signer: Signer = None,
    services: Services = "embedded",
    sandbox: Contained = "auto",
    to: Annotated[
        Path | None, typer.Option("--out", help="write a bundle of this grade here, signed by you")
    ] = None,
) -> None:
    """Grade the submission of a bundle again with its seed, and compare the two grades.

    Exit code 0 the same, 1 they differ or the bundle is refused, 2 could not grade, 3 one of the
    two left something open.

    Example: lab regrade url_shortener.bundle
    """
    handed_in = bundles.read_bundle(bundle)
    _verified(handed_in, signer)
    folder = bundles.lab_of(handed_in, lab)
    bundles.refuse_place(to)
    key = bundles.signing_key() if to else None
    here = bundles.versions_here(folder)
    _warn(handed_in.conditions, here)
    wishes = Wishes(str(folder), seed=handed_in.manifest.seed, services=services, sandbox=sandbox)
    again = bundles.repacked(handed_in, bundle)
    graded = bundles.grade(again, wishes, grade_shown, record=False)
    _warn(handed_in.conditions, graded.conditions)
    same_lab = handed_in.conditions.get("lab_sha256") == here["lab_sha256"]
    rows = bundles.compare(handed_in.report, graded.report, same_lab=same_lab)
    out.print(_comparison(rows))
    if problem := graded.report.problem:
        out.print(Text(f"{problem.culprit}: {problem.problem}", "bold red"), soft_wrap=True)
    out.print(Text(f"report: {short(graded.folder)}/report.html", "dim"), soft_wrap=True)
    if key:
        write(graded, to, key)
    code = bundles.exit_code(rows, graded.report)
    out.print(Text(_sentence(rows, code)), soft_wrap=True)
    sys.exit(code)


def _warn(then: Mapping[str, str], here: Mapping[str, str]) -> None:
    for name, value in here.items():
        before = then.get(name, "none")
        if before != value:
            words = (
                f"! {name} was {_brief(name, before)} and is {_brief(name, value)} here: "
                "the grades may differ by that alone."
            )
            out.print(Text(words, "yellow"), soft_wrap=True)


def _comparison(rows: tuple[Row, ...]) -> Table:
    table = Table(box=None, header_style="dim")
    for name in ("", "handed in", "graded again", ""):
        table.add_column(name, overflow="fold")
    for row in rows:
        sides = (
            Text(
                f"{MARKS[one.outcome]} {one.outcome} {one.earned} of {one.points}",
                STYLES[one.outcome],
            )
            if one
            else Text("–")
            for one in (row.old, row.new)
        )
        agreement = "" if row.agreement is Agreement.SAME else row.agreement.value
        style = AGREEMENT_STYLES.get(row.agreement, "dim")
        table.add_row(Text(row.id), *sides, Text(agreement, style))
    return table


def _sentence(rows: tuple[Row, ...], code: int) -> str:
    named = {kind: ", ".join(row.id for row in rows if row.agreement is kind) for kind in Agreement}
    if code == 0 and (new := named[Agreement.NEW]):
        return f"The same, as far as it was graded before; graded now only: {new}."
    if code == 0:
        return "The same: what was handed in is what this machine finds."
    if code == 1:
        return (
            f"They differ in {named[Agreement.DIFFERS]}. next: read the report; what is judged by "
            "times may be another machine's doing, so grade such a one again."
        )
    if code == 2:
        return "It could not be graded again, which says nothing of the bundle. next: see above."
    if missing := ", ".join(row.id for row in rows if row.is_missing):
        return (
            f"What was handed in says nothing of {missing}. next: its lab was another one; grade "
            "with that, --lab FOLDER, or go by the grade of now alone."
        )
    return f"Nothing contradicts, but left open: {named[Agreement.UNDECIDED]}. next: regrade."
