"""Fixtures of the attack corpus, and the matrix that it prints."""

import os
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.errors import GradingError
from graders.sandbox import SandboxWish, contain
from tests.adversarial.attacks import canaries
from tests.adversarial.attacks.assault import Course
from tests.adversarial.attacks.machine import Machine
from tests.adversarial.attacks.table import LEVELS, Attack

FOUND: pytest.StashKey[dict[tuple[str, str], str]] = pytest.StashKey()


@pytest.fixture(scope="session")
def template_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LAB_HOME in which the good solution has been graded: its cluster is made, it has passed."""
    home = tmp_path_factory.mktemp("template") / "home"
    good = canaries.LAB / "solutions/good"
    command = [sys.executable, "-m", "graders", "grade", str(canaries.LAB), "--from", str(good)]
    done = subprocess.run(
        [*command, "--sandbox", "process"],
        env={**os.environ, "LAB_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.fixture(scope="session")
def machine(template_home: Path) -> Machine:
    """The machine as it was before the first attack."""
    return Machine()


@pytest.fixture(scope="session")
def why_not(template_home: Path, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Say why this machine can't run a level; empty if it can."""
    known: dict[str, str] = {"process": ""}

    def ask(level: str) -> str:
        if level not in typing.get_args(SandboxWish):
            return f"this kit has no level {level}"
        if level not in known:
            if level == "docker":
                request.getfixturevalue("images")  # skips where there is no engine
            try:
                contain(level, untrusted=True, cache=template_home / "cache")  # type: ignore[arg-type]
                known[level] = ""
            except GradingError as error:
                known[level] = error.problem
        return known[level]

    return ask


@pytest.fixture
def need(why_not: Callable[[str], str]) -> Callable[[Attack, str], None]:
    """Skip, with the reason, what this machine can't show."""

    def check(attack: Attack, level: str) -> None:
        if reason := why_not(level) or canaries.lacks(attack.needs):
            pytest.skip(reason)

    return check


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[Attack, str, Course], None]:
    """Put what was found into the matrix."""
    found = request.config.stash.setdefault(FOUND, {})

    def keep(attack: Attack, level: str, course: Course) -> None:
        found[attack.name, level] = "contained" if not course.breaches else "NOT contained"

    return keep


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    found = config.stash.get(FOUND, {})
    names = list(dict.fromkeys(name for name, _level in found))
    if not names:
        return
    terminalreporter.section("attacks")
    width = max(map(len, names)) + 2
    terminalreporter.line("".join(["attack".ljust(width), *(one.ljust(15) for one in LEVELS)]))
    for name in names:
        cells = [found.get((name, level), "not tried").ljust(15) for level in LEVELS]
        terminalreporter.line("".join([name.ljust(width), *cells]))
