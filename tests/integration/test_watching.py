"""`lab start` on a terminal that a test holds the other end of: in plain lines, over ssh."""

import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

ON_ITS_OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
CTRL_C = b"\x03"


class Terminal:
    """`lab` on a terminal of its own."""

    def __init__(self, kit: Any, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        command = [sys.executable, "-c", ON_ITS_OWN_TERMINAL, "-m", "graders", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=kit.folder,
            env=env or kit.environment(TERM="xterm-256color"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.output, self._lost = "", threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # nobody has the other end open any more
            while not self._lost.is_set():
                if select.select([self.master], [], [], 0.05)[0]:
                    self.output += os.read(self.master, 1 << 16).decode(errors="replace")

    def press(self, key: bytes) -> None:
        os.write(self.master, key)

    def lose(self) -> None:
        """Close this end, as sshd does when the connection is lost."""
        self._lost.set()
        self._reader.join()  # while somebody reads, it is not closed
        os.close(self.master)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if not self._lost.is_set():
            self.lose()


@pytest.fixture
def open_terminal(kit: Any) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_one(*arguments: str, env: Mapping[str, str] | None = None) -> Terminal:
        opened.append(Terminal(kit, *arguments, env=env))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def terminal(open_terminal: Callable[..., Terminal]) -> Terminal:
    return open_terminal("start", "document", "--plain")


WAITING = "q quit."
PLAIN_MARKS = set("\x1b\b✓✗·⠋━")


def test_every_save_is_graded_until_ctrl_c(
    kit: Any, terminal: Terminal, wait_until: Callable[..., Any]
) -> None:
    work = kit.folder / "submissions/document"
    wait_until(lambda: "Your copy of the starter" in terminal.output, "the start")
    shutil.copytree(  # saved while the first grade is still running
        kit.folder / "labs/document/solutions/complete", work, dirs_exist_ok=True
    )
    wait_until(lambda: "passed: evidence" in terminal.output, "the grade of what was saved")
    wait_until(lambda: terminal.output.rstrip().endswith(WAITING), "it to wait")
    seen = len(terminal.output)
    (work / "decision.md").write_text("Status: accepted\n")
    wait_until(lambda: "failed: title" in terminal.output[seen:], "the grade of what was spoilt")
    wait_until(lambda: terminal.output.rstrip().endswith(WAITING), "it to wait again")
    family = psutil.Process(terminal.process.pid).children(recursive=True)
    terminal.press(CTRL_C)
    assert terminal.process.wait(timeout=60) == 130
    assert "Traceback" not in terminal.output
    assert not [one for one in family if one.is_running()]


def test_ctrl_c_in_the_first_grade_ends_everything(
    terminal: Terminal, wait_until: Callable[..., Any], gone: Callable[[int], None]
) -> None:
    lab = psutil.Process(terminal.process.pid)
    family = wait_until(lambda: lab.children(recursive=True)[1:], "what the first grade starts")
    terminal.press(CTRL_C)
    assert terminal.process.wait(timeout=60) == 130
    for one in family:
        gone(one.pid)
    assert "Nothing is left running." in terminal.output
    assert "Traceback" not in terminal.output


def test_a_plain_session_is_lines_of_words_and_answers_keys(
    terminal: Terminal, wait_until: Callable[..., Any]
) -> None:
    wait_until(lambda: terminal.output.rstrip().endswith(WAITING), "it to wait")
    terminal.press(b"h")
    wait_until(lambda: "hint 1 of 3, nudge: " in terminal.output, "a hint")
    terminal.press(b"l")
    wait_until(lambda: "record, status: failed, 10 points." in terminal.output, "the list")
    terminal.press(b"q")
    assert terminal.process.wait(timeout=60) == 0
    assert "failed: status. The record says that it is accepted." in terminal.output
    assert not set(terminal.output) & PLAIN_MARKS
    lines = terminal.output.replace("\r\n", "\n")
    assert "\r" not in lines  # the cursor never goes back


def test_a_terminal_that_cannot_be_drawn_on_gets_plain_lines_by_itself(
    kit: Any, open_terminal: Callable[..., Terminal], wait_until: Callable[..., Any]
) -> None:
    terminal = open_terminal("start", "document", env=kit.environment(TERM="dumb"))
    wait_until(lambda: terminal.output.rstrip().endswith(WAITING), "it to wait")
    assert "failed: status. The record says that it is accepted." in terminal.output
    assert not set(terminal.output) & PLAIN_MARKS


@pytest.mark.parametrize("look", ["screen", "plain"])
@pytest.mark.parametrize("moment", ["grading", "waiting"])
def test_a_connection_that_is_lost_leaves_nothing_behind(
    open_terminal: Callable[..., Terminal],
    short_folder: Path,
    wait_until: Callable[..., Any],
    gone: Callable[[int], None],
    look: str,
    moment: str,
) -> None:
    of_sshd = {one: os.environ[one] for one in ("HOME", "PATH")}
    of_sshd |= {"TERM": "xterm-256color", "SSH_TTY": "/dev/pts/7", "LANG": "C"}
    options = ["--plain"] if look == "plain" else []
    terminal = open_terminal(
        "start", "service", *options, env={**of_sshd, "TMPDIR": str(short_folder)}
    )
    lab = psutil.Process(terminal.process.pid)
    if moment == "grading":
        wait_until(lambda: any(map(is_server, lab.children(recursive=True))), "a service")
    else:
        wait_until(lambda: "Waiting for you to save" in terminal.output, "it to wait")
        wait_until(lambda: any(map(is_server, lab.children(recursive=True))), "the next services")
    family = lab.children(recursive=True)
    terminal.lose()
    assert terminal.process.wait(timeout=60) is not None
    for one in family:
        gone(one.pid)
    wait_until(lambda: not list(short_folder.iterdir()), "the end of all run folders")


def is_server(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name().startswith(("postgres", "redis-server", "valkey-server"))
    return False


def test_the_check_that_failed_last_is_the_first_to_be_answered(
    kit: Any, open_terminal: Callable[..., Terminal], wait_until: Callable[..., Any]
) -> None:
    terminal = open_terminal("start", "greeter", "--plain")
    wait_until(lambda: terminal.output.rstrip().endswith(WAITING), "it to wait")
    terminal.press(b"n")
    wait_until(lambda: "first to fix: greets-by-name" in terminal.output, "the next requirement")
    terminal.press(b"n")
    wait_until(lambda: "first to fix: unknown-404" in terminal.output, "the one after it")
    seen = len(terminal.output)
    app = kit.folder / "submissions/greeter/app.py"
    app.write_text(app.read_text() + "\n")
    wait_until(lambda: terminal.output[seen:].count("\nfailed: ") >= 3, "all answers")
    answers = re.findall(r"^failed: (\S+)\. ", terminal.output[seen:], re.MULTILINE)
    assert answers[0] == "unknown-404"
