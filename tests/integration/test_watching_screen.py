"""`lab start` on a real terminal of 80 columns, driven key by key as a learner would."""

import json
import os
import re
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.tmux import COLUMNS, Tmux

PYTHON_LAB = "exec {python} -m graders start {lab} --seed 7"
WAITING = "Waiting for you to save a file"
STATEMENT = re.compile(r"first to fix: (\S+)")
SLOW = "\nimport time\ntime.sleep(30)\n"


class Session:
    """A learner's session with a small lab."""

    def __init__(self, kit: Any, wait_until: Callable[..., Any], lab: str, **env: str) -> None:
        self.kit, self.wait = kit, wait_until
        command = PYTHON_LAB.format(python=sys.executable, lab=lab)
        environment = kit.environment(**env)
        del environment["COLUMNS"]  # the terminal says how wide it is
        environment.pop("LINES", None)  # pytest-xdist sets it, and no terminal does
        for name in ("NO_COLOR", "FORCE_COLOR", "DISPLAY", "WAYLAND_DISPLAY"):
            if name not in env:
                environment.pop(name, None)
        self.terminal = Tmux(command, kit.folder, environment)
        self.work = kit.folder / "submissions" / lab

    def until(self, *words: str, without: str = "\0", patience_s: float = 60.0) -> str:
        """Wait until the screen has all these words, and return it."""

        def shown(screen: str) -> bool:
            return all(word in screen for word in words) and without not in screen

        return self.terminal.until(self.wait, shown, f"{words} on the screen", patience_s)

    def edit(self, old: str, new: str) -> None:
        """Change `app.py`, in one go, as editors do."""
        path = self.work / "app.py"
        text = path.read_text()
        assert old in text
        fresh = path.with_suffix(".py.new~")
        fresh.write_text(text.replace(old, new))
        fresh.rename(path)

    def family(self) -> list[psutil.Process]:
        """Return all processes below the command."""
        return psutil.Process(self.terminal.pid()).children(recursive=True)

    def running(self, words: str) -> psutil.Process | None:
        """Return the process with these words in its command, if there is one."""
        for one in self.family():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if words in " ".join(one.cmdline()[1:]):
                    return one
        return None

    def attempts(self) -> int:
        """Return how many attempts are on record."""
        with closing(sqlite3.connect(self.kit.folder / ".lab/history.sqlite")) as database:
            return int(database.execute("SELECT count(*) FROM attempts").fetchone()[0])

    def end(self) -> int:
        """Press q, and return the exit code."""
        self.terminal.press("q")
        self.wait(lambda: self.terminal.exit_code() is not None, "the end")
        code = self.terminal.exit_code()
        assert code is not None
        return code


@pytest.fixture
def open_session(kit: Any, wait_until: Callable[..., Any]) -> Iterator[Callable[..., Session]]:
    opened: list[Session] = []

    def open_one(lab: str = "greeter", **env: str) -> Session:
        opened.append(Session(kit, wait_until, lab, **env))
        return opened[-1]

    yield open_one
    for session in opened:
        session.terminal.close()


@pytest.fixture
def session(open_session: Callable[..., Session]) -> Session:
    return open_session()


def test_the_screen_shows_one_next_thing_and_all_keys(session: Session) -> None:
    screen = session.until(WAITING, "first to fix: greets ")
    assert "Hello, you!" in screen
    assert "n next  h hint  l list  o open report  a run all  r run load  q quit" in screen
    assert max(map(len, screen.splitlines())) <= COLUMNS
    assert session.terminal.is_alternate()
    assert session.end() == 0  # to leave is no failure
    assert not session.terminal.is_alternate()
    assert "Nothing is left running." in session.terminal.screen()


def test_a_save_is_graded_and_what_was_graded_before_comes_back(session: Session) -> None:
    session.until(WAITING, "first to fix: greets ")
    session.edit('"Hello!"', '"Hello, you!"')
    session.until(WAITING, "first to fix: greets-by-name")
    graded = session.attempts()
    session.edit('"Hello, you!"', '"Hello!"')
    session.until("You had this before", "0 of 4 requirements")
    assert session.attempts() == graded


def test_every_grade_has_the_seed_that_was_asked_for(session: Session) -> None:
    session.until(WAITING, "first to fix: greets ")
    session.edit('"Hello!"', '"Hello, you!"')
    session.until(WAITING, "1 of 4 requirements", without="before this save")
    reports = (session.kit.folder / ".lab/attempts/greeter").glob("*/report.json")
    assert [json.loads(one.read_text())["seed"] for one in reports] == [7, 7]


def test_each_key_does_what_it_says(session: Session) -> None:
    session.until(WAITING, "first to fix: greets ")
    session.terminal.press("h")
    session.until("hint 1 of 3, nudge: What does GET / answer?")
    session.terminal.press("h")
    session.until("hint 2 of 3, direction: Look at hello() in app.py.")
    session.terminal.press("l")
    assert "counts-visits" in session.until("30 points")
    session.terminal.press("l")
    session.until("expected")
    session.terminal.press("o")
    session.until("The report: ", "report.html")
    session.terminal.press("n")
    session.until("first to fix: greets-by-name")
    session.terminal.press("Up", "Escape")  # what is no key of ours does nothing
    session.terminal.press("r")
    session.until("All of the load passed")  # this lab has none
    session.terminal.press("a")
    session.until("0 of 1  ✗")  # the second stage was graded, whatever the first one said
    with closing(sqlite3.connect(session.kit.folder / ".lab/history.sqlite")) as database:
        hints = database.execute("SELECT requirement, step FROM hint_uses ORDER BY id").fetchall()
    assert hints == [("greets", 1), ("greets", 2)]


def test_the_report_is_opened_where_there_is_a_desktop(
    kit: Any, open_session: Callable[..., Session], tmp_path: Path
) -> None:
    opened, opener = tmp_path / "opened", tmp_path / "bin/xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf %s "$*" > {opened}.new && mv {opened}.new {opened}\n')
    opener.chmod(0o755)
    session = open_session(DISPLAY=":7", PATH=f"{opener.parent}:{os.environ['PATH']}")
    session.until(WAITING, "first to fix: greets ")
    session.terminal.press("o")
    session.wait(opened.exists, "what opens the report")
    [report] = (kit.folder / ".lab/attempts/greeter").glob("*/report.html")
    assert opened.read_text() == str(report)


@pytest.mark.alone
def test_the_load_runs_when_it_is_asked_for(kit: Any, open_session: Callable[..., Session]) -> None:
    session = open_session("loaded")
    session.until("Press r to see if it is fast")
    session.terminal.press("r")
    session.until("load squares, run ")
    # The starter keeps nothing. A busy machine takes up to four runs to see it.
    session.until("first to fix: right ", patience_s=200)
    session.wait(lambda: session.attempts() == 2, "the record of it")
    report = json.loads(
        max((kit.folder / ".lab/attempts/loaded").glob("*/report.json")).read_text()
    )
    graded = {one["id"] for one in report["requirements"] if one["outcome"] != "skipped"}
    assert graded == {"fast", "complete", "right", "cheap"}
    assert [one["profile"] for one in report["loads"]] == ["squares"]


def test_a_save_under_load_cancels_it_cleanly(
    open_session: Callable[..., Session], gone: Callable[[int], None]
) -> None:
    session = open_session("loaded")
    session.until("Press r to see if it is fast")
    graded = session.attempts()
    session.terminal.press("r")
    session.until("load squares, run ")
    session.wait(lambda: session.running("graders.load.driver"), "what makes the load")
    family = session.family()
    session.edit("serving squares", "serving many squares")
    for one in family:
        gone(one.pid)
    session.until("Press r to see if it is fast", without="load squares")
    assert session.attempts() == graded + 1  # of what was saved, and nothing of the load
    assert session.end() == 0


def test_a_save_during_a_grade_cancels_it_cleanly(
    session: Session, gone: Callable[[int], None]
) -> None:
    session.until(WAITING, "first to fix: greets ")
    graded = session.attempts()
    session.edit("import os\n", f"import os{SLOW}")  # it does not get ready for half a minute
    session.until("starting services and submission")
    started = session.wait(lambda: session.running("app.py"), "the submission that is not ready")
    family = session.family()
    session.edit(SLOW, "\n")
    gone(started.pid)
    session.until(WAITING, "first to fix: greets ", without="before this save")
    assert session.attempts() == graded  # nothing is recorded of what was cancelled
    assert session.end() == 0  # to leave is no failure
    for one in family:
        gone(one.pid)


def test_everything_ends_with_the_watcher_even_when_it_is_killed(
    session: Session, gone: Callable[[int], None]
) -> None:
    session.until("starting services and submission")
    family = session.wait(lambda: session.family()[2:] and session.family(), "a grade")
    psutil.Process(session.terminal.pid()).send_signal(signal.SIGKILL)
    for one in family:
        gone(one.pid)


def test_a_lost_connection_ends_it_as_ctrl_c_does(
    session: Session, gone: Callable[[int], None]
) -> None:
    session.until(WAITING)
    family = session.family()
    psutil.Process(session.terminal.pid()).send_signal(signal.SIGHUP)
    session.wait(lambda: session.terminal.exit_code() is not None, "the end")
    assert session.terminal.exit_code() == 128 + signal.SIGHUP
    for one in family:
        gone(one.pid)


def test_without_colour_nothing_is_coloured(open_session: Callable[..., Session]) -> None:
    session = open_session(NO_COLOR="1")
    session.until(WAITING, "first to fix: greets ")
    styled = session.terminal.styled_screen()
    assert not re.search(r"\x1b\[(?:\d+;)*(?:3[0-8]|9[0-7])[;m]", styled)
    assert "\x1b[1m" in styled


def test_with_colour_what_failed_is_red(session: Session) -> None:
    session.until(WAITING, "first to fix: greets ")
    assert re.search(r"\x1b\[(?:1;)?31m", session.terminal.styled_screen())


def test_another_size_is_drawn_anew(session: Session) -> None:
    session.until(WAITING, "first to fix: greets ")
    session.terminal.resize(100, 30)
    screen = session.until("q quit")
    session.wait(
        lambda: session.terminal.screen().rstrip("\n").count("\n") == 29, "the keys at the bottom"
    )
    assert "first to fix: greets " in screen


def test_a_folder_that_cannot_be_graded_says_why_until_it_can(session: Session) -> None:
    session.until(WAITING, "first to fix: greets ")
    manifest = session.work / "submission.toml"
    kept = manifest.read_text()
    manifest.write_text("start = 7\n")
    session.until("submission:", "start", "next:")
    manifest.write_text(kept)
    session.until("You had this before", "first to fix: greets ")


def test_a_clone_is_worked_on_by_the_same_rules(session: Session) -> None:
    session.until(WAITING, "first to fix: greets ")
    shutil.copy(session.work / "app.py", session.work / ".app.py.swp")  # an editor's own file
    (session.work / "__pycache__").mkdir()
    (session.work / "__pycache__/app.pyc").write_bytes(b"x")
    session.edit('"Hello!"', '"Hello, you!"')
    session.until(WAITING, "first to fix: greets-by-name")
