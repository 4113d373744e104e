"""`lab start --plain` on a terminal: grades, waits, grades again after a save, until Ctrl-C."""

import contextlib
import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
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

    def __init__(self, kit: Any, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        command = [sys.executable, "-c", ON_ITS_OWN_TERMINAL, "-m", "graders", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=kit.folder,
            env=kit.environment(TERM="xterm-256color"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.output = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # nobody has the other end open any more
            while chunk := os.read(self.master, 1 << 16):
                self.output += chunk.decode(errors="replace")

    def press(self, key: bytes) -> None:
        os.write(self.master, key)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self.master)


@pytest.fixture
def terminal(kit: Any) -> Iterator[Terminal]:
    opened = Terminal(kit, "start", "document", "--plain")
    yield opened
    opened.close()


WAITING = "q quit."


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
    assert terminal.process.wait(timeout=60) == 1
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
    assert terminal.process.wait(timeout=60) == 1
    assert "failed: status. The record says that it is accepted." in terminal.output
    assert not set(terminal.output) & set("\x1b\b✓✗·⠋━")
    lines = terminal.output.replace("\r\n", "\n")
    assert "\r" not in lines  # the cursor never goes back
