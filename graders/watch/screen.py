"""The watcher's one screen: a state as Rich renders it, from 80 columns on. Pure."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from graders.manifest import Requirement
from graders.model import Outcome
from graders.report.terminal import STYLES
from graders.report.words import MARKS
from graders.watch.state import Run, Setting, State, is_stale
from graders.watch.words import (
    KEYS,
    explained,
    heading,
    hint_lines,
    problem_lines,
    running,
    standing,
    waiting,
)

HEAD_LINES, FOOT_LINES = 5, 2
BAR_WIDTH = 24
NOT_GRADED = "·"
INDENT = (0, 0, 0, 2)


def screen(state: State, now_s: float) -> Layout:
    """Return the screen: what goes on above, the one next thing in the middle, the keys below."""
    layout = Layout()
    layout.split_column(
        Layout(_head(state, now_s), name="head", size=HEAD_LINES),
        Layout(_body(state), name="body"),
        Layout(_foot(state), name="foot", size=FOOT_LINES),
    )
    return layout


def _head(state: State, now_s: float) -> Group:
    now = Text(standing(state), "dim"), _progress(state, now_s), Text()
    return Group(*places(state.setting), *now)


def places(setting: Setting) -> tuple[Text, Text]:
    """Return two lines: the lab and where its question stands, and where to write."""
    title = (setting.manifest.lab.title, "bold")
    where = Text.assemble(title, f"  handout: {setting.handout}")
    lines = where, Text(f"your files: {setting.folder}/")
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return lines


def _progress(state: State, now_s: float) -> RenderableType:
    if not state.run:
        return Text(waiting(state), style="cyan")
    row = Table.grid(padding=(0, 1))
    row.add_row(_bar(state.run, now_s), Text(running(state.run, now_s), "cyan", no_wrap=True))
    return row


def _bar(run: Run, now_s: float) -> ProgressBar:
    return ProgressBar(total=1.0, completed=run.advance.fraction(now_s), width=BAR_WIDTH)


def _body(state: State) -> RenderableType:
    if state.shows_list:
        return _list(state)
    return Group(*_task(state))


def _task(state: State) -> Iterator[RenderableType]:
    for stage in state.setting.manifest.stages:
        ours = [one for one in state.requirements if one.stage == stage.name]
        yield _stage_line(state, stage.name, ours)
    yield Text()
    if state.problem:
        yield Text("\n".join(problem_lines(state.problem)), style="bold red")
        return
    if not state.focus:
        return
    found = state.results[state.focus]
    style = "dim" if is_stale(state, state.focus) else STYLES[found.outcome]
    yield Text(heading(state), style=style)
    yield Padding(_explained(state), INDENT)
    for line in hint_lines(state):
        yield Padding(Text(line, "yellow"), INDENT)


def _stage_line(state: State, stage: str, ours: list[Requirement]) -> Text:
    passed = sum(state.outcome(one.id) is Outcome.PASSED for one in ours)
    line = Text.assemble(
        (f"{stage:<14}", "bold"),
        f"{passed:>2} of {len(ours):<3}",
        no_wrap=True,
        overflow="ellipsis",
    )
    for one in ours:
        line.append(*_mark(state, one.id))
    return line


def _mark(state: State, requirement: str) -> tuple[str, str]:
    if is_stale(state, requirement):
        return MARKS[state.results[requirement].outcome], "dim"
    outcome = state.outcome(requirement)
    return (MARKS[outcome], STYLES[outcome]) if outcome else (NOT_GRADED, "dim")


def _explained(state: State) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in explained(state):
        table.add_row(name, Text(text))
    return table


def _list(state: State) -> RenderableType:
    """Return the requirements from the stage in focus on; what does not fit is cut off."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    for one in _from_focus(state):
        mark, style = _mark(state, one.id)
        here = "reverse" if one.id == state.focus else ""
        title = Text.assemble((one.id, here or style), "  ", one.title)
        table.add_row(Text(mark, style), title, Text(f"{one.points} points", "dim"))
    return table


def _from_focus(state: State) -> list[Requirement]:
    ids = [one.id for one in state.requirements]
    start = max(0, ids.index(state.focus) - 3) if state.focus in ids else 0
    return state.requirements[start:] + state.requirements[:start]


def _foot(state: State) -> Group:
    keys = Text(no_wrap=True, overflow="ellipsis")
    for key, word in KEYS.items():
        keys.append(key, "bold").append(f" {word}  ")
    return Group(Text(state.note, "yellow", no_wrap=True, overflow="ellipsis"), keys)
