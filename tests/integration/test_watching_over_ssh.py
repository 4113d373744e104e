"""`lab start` at the other end of a real SSH connection, from a terminal of 80 columns."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from graders.processes import run_folder
from tests.ssh import SshServer, ssh_server
from tests.tmux import COLUMNS, Tmux

WAITING = "Waiting for you to save a file"
SEARCHED = ("PATH", "PYTHONPATH")


@pytest.fixture
def server(wait_until: Callable[..., Any]) -> Iterator[SshServer]:
    with run_folder() as folder, ssh_server(folder, wait_until) as running:
        yield running


@pytest.fixture
def terminal(kit: Any, server: SshServer, short_folder: Path) -> Iterator[Tmux]:
    known = {one: os.environ[one] for one in SEARCHED if one in os.environ}
    settings = {**known, "TMPDIR": str(short_folder)}
    words = [f"{name}={value}" for name, value in settings.items()]
    lab = [sys.executable, "-m", "graders", "start", "greeter", "--seed", "7"]
    there = f"cd {shlex.quote(str(kit.folder))} && exec env {shlex.join([*words, *lab])}"
    environment = kit.environment()
    del environment["COLUMNS"]
    opened = Tmux(server.command(there), kit.folder, environment)
    yield opened
    opened.close()


@pytest.fixture
def until(terminal: Tmux, wait_until: Callable[..., Any]) -> Callable[..., str]:
    """Wait until the screen has all these words."""

    def seen(*words: str) -> str:
        def shown(screen: str) -> bool:
            return all(word in screen for word in words)

        return terminal.until(wait_until, shown, f"{words} on the screen")

    return seen


def graders_of(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in a kit's folder: the one sshd started, and its family."""
    found = []
    for one in psutil.process_iter(["cwd", "cmdline"]):
        if one.info["cwd"] == str(folder) and "start" in (one.info["cmdline"] or ()):
            found += [one, *one.children(recursive=True)]
    return found


def test_the_screen_is_drawn_there_and_answers_saves_and_keys(
    kit: Any, terminal: Tmux, until: Callable[..., str], wait_until: Callable[..., Any]
) -> None:
    screen = until(WAITING, "first to fix: greets ", "q quit")
    assert terminal.is_alternate()
    assert max(map(len, screen.splitlines())) <= COLUMNS
    terminal.press("h")
    until("hint 1 of 3")
    app = kit.folder / "submissions/greeter/app.py"
    app.write_text(app.read_text().replace('"Hello!"', '"Hello, you!"'))
    until(WAITING, "first to fix: greets-by-name ")
    terminal.press("q")
    wait_until(lambda: terminal.exit_code() is not None, "the end")
    assert terminal.exit_code() == 0
    assert "Nothing is left running." in terminal.screen()


def test_a_connection_that_breaks_leaves_nothing_behind(
    kit: Any,
    terminal: Tmux,
    until: Callable[..., str],
    gone: Callable[[int], None],
    short_folder: Path,
    wait_until: Callable[..., Any],
) -> None:
    until(WAITING)
    family = graders_of(kit.folder)
    assert len(family) > 1
    psutil.Process(terminal.pid()).kill()
    for one in family:
        gone(one.pid)
    wait_until(lambda: not list(short_folder.iterdir()), "the end of all run folders")
