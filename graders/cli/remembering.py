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
    RATIO,
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
    """Print the points of the last whole attempts and the figures of those that have any.

    Whole is an attempt that left nothing out on request; points of others don't compare.
    """
    told = [(one, _by_key(one)) for one in attempts]
    told = [(one, known) for one, known in told if known or one.complete][-SHOWN_COLUMNS:]
    if not told:
        return
    keys = list(dict.fromkeys(key for _, known in told for key in known))
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("figure")
    for one, _ in told:
        table.add_column(f"{one.started_at:%m-%d %H:%M}", justify="right")
    points = [f"{one.earned}/{one.points}" if one.complete else "" for one, _ in told]
    table.add_row("points", *points)
    for key in keys:
        table.add_row(_named(key), *(_cell(known.get(key)) for _, known in told))
    title = "points of whole attempts, figures (× is to the reference solution in the same run)"
    out.print(Text(f"\n{title}", "bold"))
    out.print(Padding(table, INDENT))


def _by_key(attempt: Attempt) -> dict[Key, Figure]:
    return {(one.profile, one.name): one for one in figures_of(attempt)}


def _named(key: Key) -> str:
    return f"{key[0]}, {key[1]}"


def _cell(found: Figure | None) -> str:
    if not found:
        return ""
    return f"{found.value:.2f} ×" if found.unit == RATIO else figure(found.value)


def _changes(attempts: list[Attempt]) -> None:
    """Print what the last attempt found otherwise than the latest one before that looked at it."""
    if len(attempts) < 2:
        return
    *earlier, last = attempts
    same = earlier[-1].content_hash == last.content_hash
    lines = [
        Text.assemble(
            (f"{MARKS[one.after]} {one.requirement}", STYLES[one.after]), f" was {one.before}"
        )
        for one in flips(earlier, last)
    ]
    lines += [_moved(one) for one in moves(earlier, last)]
    content = "as in" if same else "changed since"
    title = f"since each was graded last (content {content} the attempt before)"
    out.print(Text(f"\n{title}", "bold"))
    for line in lines or [Text("nothing that it graded changed", "dim")]:
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
