"""The loop around the state machine: what is saved, what is pressed, what the grader says."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import watchfiles

from graders.history import History
from graders.report.json_report import from_json
from graders.watch.content import fingerprint, is_of_interest
from graders.watch.events import (
    Begin,
    Cancel,
    Effect,
    Event,
    Finished,
    Gone,
    OpenReport,
    Prepare,
    Pressed,
    RecordHint,
    Saved,
)
from graders.watch.grader import Grader
from graders.watch.messages import Ready, Recorded
from graders.watch.state import State
from graders.watch.step import step

WAKE_MS = 40


class Display(Protocol):
    """Where a state is shown, and keys come from."""

    def show(self, before: State, after: State, now_s: float) -> None:
        """Show what is now; `before` is what was shown last."""
        ...

    @property
    def pressed(self) -> Callable[[], list[str]]:
        """Tells the keys pressed since the last time."""
        ...


@dataclass(frozen=True)
class Watched:
    """What is watched and by what means; `open_report` is asked for the folder of a report."""

    folder: Path
    grader: Grader
    history: History
    open_report: Callable[[Path], None]


def watch(state: State, watched: Watched, display: Display) -> State:
    """Grade now and after each change, until `q`; the state in which it ended.

    When this returns, nothing of any grade is left.
    """
    shown = state
    display.show(state, state, time.monotonic())
    with watched.grader:
        for events in _events(watched, display):
            for event in events:
                now_s = time.monotonic()
                state, effects = step(state, event, now_s)
                display.show(shown, state, now_s)
                shown = state
                for effect in effects:
                    _do(effect, state, watched)
            display.show(shown, state, time.monotonic())
            if state.over:
                break
        state = replace(state, over=True, note="Ending what is still running.")
        display.show(shown, state, time.monotonic())
    return state


def _events(watched: Watched, display: Display) -> Iterator[list[Event]]:
    """Yield what happened, some times a second; first of all the content there is."""
    # It watches before the first grade already, so nothing saved during a grade is missed.
    changes = watchfiles.watch(
        watched.folder,
        watch_filter=lambda _change, path: is_of_interest(path, watched.folder),
        rust_timeout=WAKE_MS,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    first: list[Event] = [Saved(fingerprint(watched.folder))]
    for changed in changes:
        saved: list[Event] = [Saved(fingerprint(watched.folder))] if changed else []
        keys = [Pressed(key) for key in display.pressed()]
        yield [*first, *saved, *keys, *_grader_events(watched.grader)]
        first = []


def _grader_events(grader: Grader) -> Iterator[Event]:
    for message in grader.happened():
        if message is None:
            yield Gone()
        elif isinstance(message, Recorded):
            report = from_json((Path(message.folder) / "report.json").read_bytes())
            yield Finished(report, os.path.relpath(message.folder))
        elif not isinstance(message, Ready):
            yield message


def _do(effect: Effect, state: State, watched: Watched) -> None:
    match effect:
        case Begin(job):
            watched.grader.begin(job)
        case Cancel():
            watched.grader.cancel()
            watched.grader.prepare()  # the next one imports while this one unwinds
        case Prepare():
            watched.grader.prepare()
        case RecordHint(requirement, number):
            watched.history.use_hint(state.setting.lab, requirement, number)
        case OpenReport(folder):
            watched.open_report(Path(folder))
