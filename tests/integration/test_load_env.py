"""What surrounds an app under load, and one that is tried by hand: the lab's `load_env`."""

import signal
from typing import Any

import pytest

LOAD_ENV = """

@pytest.fixture(scope="session")
def load_env():
    return lambda: {"LOADED": "yes"}
"""


SOLUTION = "labs/service/solutions/cached"


@pytest.fixture
def surrounded(kit: Any) -> Any:
    """A lab whose app answers only with the variable that `load_env` gives it."""
    lab = kit.folder / "labs/service"
    conftest = lab / "checks/conftest.py"
    conftest.write_text(conftest.read_text() + LOAD_ENV)
    app = lab / "solutions/cached/app.py"
    refusing = 'if "LOADED" not in os.environ:\n            return self.answer(500)\n        text ='
    app.write_text(app.read_text().replace("text =", refusing, 1))
    return kit


@pytest.mark.alone
@pytest.mark.parametrize("requirement", ["cheap-reads", "fast-reads"])
def test_both_sides_of_a_load_run_get_its_variables(surrounded: Any, requirement: str) -> None:
    done = surrounded.grade("service", "solutions/cached", "-r", requirement)
    assert done.code == 0, done.output


@pytest.mark.alone
def test_load_for_curiosity_meets_the_same_app(surrounded: Any) -> None:
    done = surrounded.lab("load", "service", "--from", SOLUTION)
    assert done.code == 0, done.output
    offered, answered = done.output.splitlines()[1].split()[1:3]
    assert offered == answered


def test_an_app_that_runs_by_hand_gets_its_variables_and_shows_them(surrounded: Any) -> None:
    with surrounded.start("run", "service", "--from", SOLUTION, "--port", 0) as run:
        lines = []
        for line in run.stdout:
            lines.append(line.strip())
            if "Ctrl-C" in line:
                break
        run.send_signal(signal.SIGINT)
        rest, _ = run.communicate()  # closed instead, its last words would fail
    assert "LOADED=yes" in lines
    assert run.returncode == 0, rest


def test_surroundings_that_fail_are_the_labs_fault_and_nothing_runs(surrounded: Any) -> None:
    conftest = surrounded.folder / "labs/service/checks/conftest.py"
    conftest.write_text(conftest.read_text().replace('"LOADED": "yes"', '"LOADED": 1 / 0'))
    done = surrounded.lab("run", "service", "--from", SOLUTION, "--port", "0")
    assert done.code == 2, done.output
    assert "ZeroDivisionError" in done.output
    assert "conftest.py" in done.output
