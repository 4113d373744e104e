"""A newcomer's first session: from a clone to a passed stage by one file, led by the screen alone.

The newcomer knows the command of the README, and how to program: for each requirement there is an
edit of `app.py`. Which one comes next the screen has to say. What it said is a golden transcript.
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tmux import Tmux

ROOT = Path(__file__).parents[2]
EXPECTED = ROOT / "tests/golden/expected/newcomer.txt"
LAB = ROOT / "tests/labs/greeter"
COMMAND = 'make lab-greeter ARGS="--seed 7"'
STAGE = "basics"
FIRST = re.compile(r"^first to fix: (\S+)", re.MULTILINE)
WAITING = "Waiting for you to save a file in submissions/greeter/."
EDITS = {
    "greets": ('"Hello!"', '"Hello, you!"'),
    "greets-by-name": (
        'return "Hello, you!"',
        "return f\"Hello, {path.rpartition('/')[2] or 'you'}!\"",
    ),
    "unknown-404": (
        "    return 200, hello(path)",
        '    known = path == "/" or path.startswith("/hello/")\n'
        '    return (200, hello(path)) if known else (404, "")',
    ),
}
VARYING = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}"), "ATTEMPT"),
    (re.compile(r"^report: .*(?:\n\S.*)*?(?=\nNothing)", re.MULTILINE), "report: …"),
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a clone of this repository holds, with the small lab added and set-up done."""
    folder = tmp_path / "clone"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed += ["Makefile", "pyproject.toml", "requirements.lock", "graders", "labs"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(LAB, folder / "labs/greeter", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".venv/bin").mkdir(parents=True)  # no link: set-up would empty what it leads to
    program = folder / ".venv/bin/lab"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m graders "$@"\n')
    program.chmod(0o755)
    (folder / ".venv/ready").touch()
    return folder


@pytest.fixture
def terminal(clone: Path, kit: Any) -> Iterator[Tmux]:
    environment = kit.environment(PS1="$ ")
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    opened = Tmux("/bin/sh", clone, environment)
    yield opened
    opened.close()


def tidy(screen: str) -> str:
    lines = "".join(f"{line.rstrip()}\n" for line in screen.rstrip().splitlines())
    for pattern, word in VARYING:
        lines = pattern.sub(word, lines)
    return lines


def test_a_newcomer_gets_from_a_clone_to_a_passed_stage_by_what_the_screen_says(
    clone: Path,
    terminal: Tmux,
    wait_until: Callable[..., Any],
    compare: Callable[[Path, str], None],
) -> None:
    transcript: list[str] = []

    def seen(condition: Callable[[str], Any], what: str) -> str:
        return terminal.until(wait_until, condition, what)

    def settled(screen: str) -> bool:
        return WAITING in screen and FIRST.search(screen) is not None

    def note(title: str, screen: str) -> None:
        transcript.append(f"## {title}\n\n{tidy(screen)}")

    seen(lambda screen: screen.startswith("$"), "a prompt")
    terminal.press(COMMAND, "Enter")
    screen = seen(settled, "the first verdict")
    note(COMMAND, screen)
    terminal.press("h")
    screen = seen(lambda screen: "hint 1 of 3" in screen, "a hint")
    note("h", screen)
    app = clone / "submissions/greeter/app.py"
    while (wanted := FIRST.search(screen)) and wanted[1] in EDITS:
        old, new = EDITS[name := wanted[1]]
        text = app.read_text()
        assert old in text
        app.write_text(text.replace(old, new))
        screen = seen(
            lambda screen, name=name: settled(screen) and f"first to fix: {name} " not in screen,
            f"the verdict on {name}",
        )
        note(f"{name}: app.py saved", screen)
    assert re.search(rf"^{STAGE} +3 of 3 ", screen, re.MULTILINE), screen
    assert wanted
    assert wanted[1] == "counts-visits"  # the next stage's
    terminal.press("q")
    screen = seen(lambda screen: screen.rstrip().endswith("\n$"), "the prompt again")
    assert "Nothing is left running." in screen
    note("q", screen[screen.index("3 of 4") :])
    changed = [
        one.name
        for one in (clone / "submissions/greeter").iterdir()
        if one.read_bytes() != (LAB / "starter" / one.name).read_bytes()
    ]
    assert changed == ["app.py"]
    compare(EXPECTED, "\n".join(transcript))
