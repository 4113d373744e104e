"""The watcher's screens on a real terminal: one that is drawn anew, and plain lines."""

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import typer
from rich.live import Live
from rich.text import Text

from graders import labs
from graders.cli.base import out
from graders.history import History, own_attempts
from graders.manifest import Manifest, load_manifest
from graders.model import Outcome
from graders.report.json_report import from_json
from graders.services import ServicesMode
from graders.state import history_url
from graders.watch.grader import Grader
from graders.watch.keyboard import QUIT, pressed_keys, single_keys
from graders.watch.loop import Display, Watched, watch
from graders.watch.plain import news
from graders.watch.screen import screen
from graders.watch.state import Setting, State
from graders.watch.words import standing

REDRAWS_PER_S = 4
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Screen:
    """One screen, drawn anew when something changed, and while time runs."""

    def __init__(self, live: Live, pressed: Callable[[], list[str]]) -> None:
        self._live, self._drawn = live, (0, out.size)
        self.pressed = pressed

    def show(self, before: State, after: State, now_s: float) -> None:
        """Draw the state if there is anything new to see."""
        moment = round(now_s * REDRAWS_PER_S) if after.run else -1
        if before is not after or (moment, out.size) != self._drawn:
            self._drawn = (moment, out.size)
            with contextlib.suppress(OSError):  # a terminal that was closed says so by a signal
                self._live.update(screen(after, now_s), refresh=True)


class Lines:
    """Plain lines: nothing moves, nothing is drawn over, marks are words."""

    def __init__(self, pressed: Callable[[], list[str]]) -> None:
        self.pressed = pressed

    def show(self, before: State, after: State, _now_s: float) -> None:
        """Print what is new."""
        with contextlib.suppress(OSError):
            for line in news(before, after):
                out.print(Text(line), soft_wrap=True)


def watch_lab(folder: Path, services: ServicesMode, seed: int | None, *, plain: bool) -> int:
    """Watch the learner's folder of a lab until the learner has enough; the exit code.

    To leave is no failure, whatever was the last verdict; a signal counts as it does in a shell.
    """
    target, history = labs.default_submission(folder), History(history_url())
    state = first_state(folder, target, history, seed)
    watched = Watched(target, Grader(folder, target, services), history, _open_report)
    with _signals() as caught, _display(plain or out.is_dumb_terminal, caught) as display:
        state = watch(state, watched, display)
    with contextlib.suppress(OSError):  # a terminal that was closed
        out.print(Text(standing(state)))
        if state.report_folder:
            out.print(f"report: {state.report_folder}/report.html", soft_wrap=True)
        out.print("Nothing is left running.")
    return 128 + caught[0] if caught else 0


def first_state(lab: Path, target: Path, history: History, seed: int | None) -> State:
    """Return what is known before anything is graded: from the history, the last report."""
    manifest, name = load_manifest(lab), lab.resolve().name
    attempts = own_attempts(history.attempts(name), lab)
    known_s = history.phase_times_s(name)
    setting = Setting(
        lab=name,
        folder=str(target),
        handout=str(lab / "README.md"),
        manifest=manifest,
        under_load=_under_load(manifest),
        known_s=known_s,
        seed=seed,
    )
    last = _failed_check(Path(attempts[-1].report_folder)) if attempts else ""
    return State(setting, failed_before=last, hints_used=history.hints_used(name))


def _under_load(manifest: Manifest) -> frozenset[str]:
    return frozenset(manifest.judged_by_load("timed", "counted"))


def _failed_check(folder: Path) -> str:
    """Return the first check that failed in an attempt, if its report is still there."""
    with contextlib.suppress(OSError, ValueError):
        report = from_json((folder / "report.json").read_bytes())
        checks = (check for one in report.requirements for check in one.checks)
        return next((one.check for one in checks if one.outcome is Outcome.FAILED), "")
    return ""


@contextlib.contextmanager
def _display(plain: bool, caught: Sequence[int]) -> Iterator[Display]:
    def pressed() -> list[str]:
        return [QUIT] if caught else pressed_keys()

    with single_keys():
        if plain:
            yield Lines(pressed)
            return
        live = Live(console=out, screen=True, auto_refresh=False)
        live.start()
        try:
            yield Screen(live, pressed)
        finally:
            with contextlib.suppress(OSError):
                live.stop()


@contextlib.contextmanager
def _signals() -> Iterator[Sequence[int]]:
    """Give the signals that came; Ctrl-C and its kind count as `q`.

    They break in nowhere: what is being started then would not be known, and not be ended.
    """
    caught: list[int] = []
    former = {one: signal.signal(one, lambda number, _: caught.append(number)) for one in ENDINGS}
    try:
        yield caught
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)


def _open_report(folder: Path) -> None:
    """Open the page where there is a desktop to open it on; elsewhere its path must do."""
    desktop = sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    if desktop and (sys.platform == "darwin" or shutil.which("xdg-open")):
        typer.launch(str((folder / "report.html").absolute()))
