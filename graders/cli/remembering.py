"""The command that shows the way so far: history."""

from dataclasses import replace
from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graders import labs
from graders.cli.base import app, out
from graders.history import (
    Attempt,
    Figure,
    History,
    Move,
    Pooled,
    figures_of,
    flips,
    moves,
    own_attempts,
    pooled_ratios,
)
from graders.model import Outcome
from graders.report.plans import figure
from graders.report.terminal import STYLES
from graders.report.words import MARKS
from graders.state import history_url

SHOWN_COLUMNS = 5
INDENT = (0, 0, 0, 2)
Key = tuple[str, str]


@app.command()
def history(
    lab: Annotated[str | None, typer.Argument(help="only this lab, with its figures")] = None,
) -> None:
    """Show all attempts, oldest first; of one lab also the trends of yours and what changed last.

    Example: lab history url_shortener
    """
    kept = History(history_url())
    folder = labs.find_lab(lab) if lab else None
    name = folder.resolve().name if folder else None
    attempts = kept.attempts(name)
    if not attempts:
        out.print("No attempts yet. Begin one: make lab-<lab>")
        return
    out.print(_attempts(attempts))
    if folder and name:
        own = own_attempts(attempts, folder)
        _trends(own)
        _changes(own)
        _pooled(pooled_ratios(own))
        _hints(kept, name)


def _attempts(attempts: list[Attempt]) -> Table:
    table = Table(box=None, header_style="dim")
    table.add_column("attempt", no_wrap=True)  # to be typed again
    for name in ("lab", "verdict", "points", "requirements", "took"):
        table.add_column(name, justify="right" if name in ("points", "took") else "left")
    table.add_column("submission", overflow="fold")
    for one in attempts:
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
    return table


def _trends(attempts: list[Attempt]) -> None:
    """Print each figure of the last attempts that have any, side by side."""
    measured = [(one, _by_key(one)) for one in attempts]
    measured = [(one, known) for one, known in measured if known][-SHOWN_COLUMNS:]
    if not measured:
        return
    keys = list(dict.fromkeys(key for _, known in measured for key in known))
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("figure")
    for one, _ in measured:
        table.add_column(f"{one.started_at:%m-%d %H:%M}", justify="right")
    table.add_row("points", *(f"{one.earned}/{one.points}" for one, _ in measured))
    for key in keys:
        table.add_row(_named(key), *(_cell(known.get(key)) for _, known in measured))
    out.print(Text("\nfigures (× is to the reference solution in the same run)", "bold"))
    out.print(Padding(table, INDENT))


def _by_key(attempt: Attempt) -> dict[Key, Figure]:
    return {(one.profile, one.name): one for one in figures_of(attempt)}


def _named(key: Key) -> str:
    return f"{key[0]}, {key[1]}"


def _cell(found: Figure | None) -> str:
    if not found:
        return ""
    return f"{found.value:.2f} ×" if found.is_ratio else figure(found.value)


def _changes(attempts: list[Attempt]) -> None:
    """Print what differs between the last two attempts."""
    if len(attempts) < 2:
        return
    before, after = attempts[-2:]
    same = before.content_hash == after.content_hash
    lines = [
        Text.assemble(
            (f"{MARKS[one.after]} {one.requirement}", STYLES[one.after]), f" was {one.before}"
        )
        for one in flips(before, after)
    ]
    lines += [_moved(one) for one in moves(before, after)]
    content = "the content is the same" if same else "the content changed"
    out.print(Text(f"\nsince the attempt before ({content})", "bold"))
    for line in lines or [Text("no requirement and no figure that both have changed", "dim")]:
        out.print(Padding(line, INDENT))


def _moved(move: Move) -> Text:
    name = _named((move.figure.profile, move.figure.name))
    before = replace(move.figure, value=move.before)
    return Text(f"{name}: {_cell(before)} → {_cell(move.figure)}")


def _pooled(pooled: dict[Key, Pooled]) -> None:
    """Print what all attempts of the content measured last say together."""
    if not pooled:
        return
    out.print(Text("\nall attempts of the content measured last, together", "bold"))
    for key, one in pooled.items():
        ratio, times = one.ratio, f"{one.count} attempt{'s' * (one.count != 1)}"
        words = f"{_named(key)}: {ratio.estimate:.2f} × (90 %: {ratio.low:.2f} to {ratio.high:.2f})"
        doubt = f", they differ {one.spread:.1f} × as much as each allows" if one.spread > 1 else ""
        out.print(Padding(Text(f"{words} of {times}{doubt}"), INDENT))


def _hints(kept: History, lab: str) -> None:
    if used := kept.hints_used(lab):
        words = ", ".join(f"{name} {step}" for name, step in sorted(used.items()))
        out.print(Text(f"\nhints used (furthest step): {words}", "dim"))
    for view in kept.solutions_viewed(lab):
        how = "before any passed attempt" if view.spoilt else "after a passed attempt"
        out.print(Text(f"solution {view.solution} viewed {how}", "dim"))
