"""The grader ended by signals in each of its phases: nothing is left, the next grade works."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from graders.services.binaries import postgres_bin
from tests.adversarial.conftest import SERVICE_LAB, Grade, Run, wait_until, whole_attempts

GOOD = SERVICE_LAB / "solutions/good"
STOPPED = "Stopped. Nothing was recorded, and nothing is left running."
EXIT_CODES = {signal.SIGKILL: -9, signal.SIGTERM: -15, signal.SIGINT: 130}


@dataclass(frozen=True)
class Phase:
    """How to keep a grade in one phase; it is there once the file `reached` exists."""

    requirement: str = "greets"
    lingering_program: str = ""
    slow_start: bool = False
    reached: str = "lingering"
    serving: bool = True


PHASES = {
    "initialising": Phase(lingering_program="initdb", serving=False),
    "starting services": Phase(lingering_program="postgres", serving=False),
    "starting the submission": Phase(slow_start=True),
    "in a check": Phase(),
    "with a fault": Phase(requirement="greets-without-redis"),
    "during load": Phase(requirement="greets-many"),
    "writing the report": Phase(reached="summary.md", serving=False),
}

SLOW_START = """
import os, signal, time
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: Path(os.environ["ASKED_TO_END"]).touch())
Path(os.environ["LINGERING"]).touch()
while True:
    time.sleep(1)
"""

LINGERING_PROGRAM = """#!/bin/sh
if [ "$1" != --version ]; then
    {first}
    touch "{mark}"
    sleep 90
fi
exec "{real}" "$@"
"""


@pytest.fixture(scope="module")
def warm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LAB_HOME shared by the violent ends: none may spoil it for the others."""
    return tmp_path_factory.mktemp("violent") / "home"


@pytest.fixture
def lingering_programs(tmp_path: Path) -> Callable[[str], Path]:
    """Make a LAB_POSTGRES_BIN in which one program, half done, says so and stays there."""

    def make(lingering: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name in ("initdb", "postgres"):
            real = postgres_bin() / name
            first = f'"{real}" "$@"; rm "$2/global/pg_control"' if name == "initdb" else ":"
            script = LINGERING_PROGRAM.format(first=first, mark=tmp_path / "lingering", real=real)
            if name == lingering:
                (folder / name).write_text(script)
                (folder / name).chmod(0o755)
            else:
                (folder / name).symlink_to(real)
        return folder

    return make


@pytest.fixture
def enter(
    start_cli: Callable[..., Run],
    submission: Callable[..., Path],
    lingering_programs: Callable[[str], Path],
    tmp_path: Path,
) -> Callable[[str, Path], Run]:
    """Start a grade and let it come to a phase, where it stays."""

    def start(name: str, home: Path) -> Run:
        phase, lingering, source = PHASES[name], str(tmp_path / "lingering"), GOOD
        env = {"LINGER_IN": name, "LINGERING": lingering}
        if phase.lingering_program:
            env["LAB_POSTGRES_BIN"] = str(lingering_programs(phase.lingering_program))
        if phase.slow_start:
            own = {"LINGERING": lingering, "ASKED_TO_END": tmp_path / "asked to end"}
            source = submission(files={"app.py": SLOW_START}, env=own)
        if name == "writing the report":
            os.mkfifo(tmp_path / "pipe")  # nobody reads: who writes the summary to it stays there
            env["GITHUB_STEP_SUMMARY"] = str(tmp_path / "pipe")
        options = ("--from", source, "-r", phase.requirement, "--all", "--out", tmp_path)
        run = start_cli("grade", SERVICE_LAB, *options, home=home, env=env)
        run.wait_for(tmp_path / phase.reached)
        run.note_traces()
        if phase.serving:
            assert run.traces.ports
            assert run.traces.segments
        return run

    return start


def end(run: Run, number: signal.Signals) -> None:
    """Send a signal to the grader alone; it ends as it must, with nothing left of its run."""
    run.process.send_signal(number)
    assert run.finish() == EXIT_CODES[number], run.output
    run.assert_nothing_left()
    assert "Traceback" not in run.output
    if number == signal.SIGINT:
        assert run.output.split("\n")[-2:] == [STOPPED, ""]


SIGNALS = pytest.mark.parametrize("number", EXIT_CODES, ids=[one.name for one in EXIT_CODES])


@SIGNALS
@pytest.mark.parametrize("phase", [one for one in PHASES if one != "initialising"])
def test_a_grader_ended_in_any_phase_leaves_nothing(
    enter: Callable[[str, Path], Run], warm_home: Path, phase: str, number: signal.Signals
) -> None:
    end(enter(phase, warm_home), number)
    assert not whole_attempts(warm_home)


@SIGNALS
def test_a_grader_ended_while_it_makes_the_cluster_leaves_no_trap_for_the_next(
    enter: Callable[[str, Path], Run],
    grade: Callable[..., Grade],
    home: Path,
    number: signal.Signals,
) -> None:
    run = enter("initialising", home)
    run.process.send_signal(number)
    done = grade(GOOD, "-r", "greets", lab=SERVICE_LAB)  # at once: the first may be unwinding
    assert done.code == 0, done.output
    assert run.finish() == EXIT_CODES[number], run.output
    run.assert_nothing_left()


def test_what_ended_graders_leave_of_a_lab_home_serves_the_next_grade(
    enter: Callable[[str, Path], Run], grade: Callable[..., Grade], warm_home: Path
) -> None:
    end(enter("in a check", warm_home), signal.SIGKILL)
    done = grade(GOOD, "-r", "greets", lab=SERVICE_LAB, home=warm_home)
    assert done.code == 0, done.output
    assert len(whole_attempts(warm_home)) == 1


def test_a_second_interrupt_while_it_unwinds_still_leaves_nothing(
    enter: Callable[[str, Path], Run], warm_home: Path, tmp_path: Path
) -> None:
    run = enter("starting the submission", warm_home)
    run.process.send_signal(signal.SIGINT)
    run.wait_for(tmp_path / "asked to end")  # it ignores that, so the unwinding takes some seconds
    run.process.send_signal(signal.SIGINT)
    assert run.finish() == EXIT_CODES[signal.SIGINT], run.output
    run.assert_nothing_left()
    assert "Traceback" not in run.output


def test_an_impatient_learner_who_never_stops_interrupting_still_leaves_nothing(
    enter: Callable[[str, Path], Run], warm_home: Path
) -> None:
    run = enter("in a check", warm_home)

    def ended() -> bool:
        run.popen.send_signal(signal.SIGINT)
        return run.popen.poll() is not None

    wait_until(ended, f"the end of the run, which said {run.output!r}")
    run.assert_nothing_left()
    assert "Traceback" not in run.output
    assert run.popen.returncode == EXIT_CODES[signal.SIGINT]


@SIGNALS
def test_an_audit_that_is_ended_takes_its_grades_with_it(
    start_cli: Callable[..., Run], warm_home: Path, tmp_path: Path, number: signal.Signals
) -> None:
    env = {"LINGER_IN": "in a check", "LINGERING": str(tmp_path / "lingering")}
    run = start_cli("audit", SERVICE_LAB, "--no-load", home=warm_home, env=env)
    run.wait_for(tmp_path / "lingering")
    run.note_traces()
    assert run.traces.segments
    end(run, number)


def test_closing_the_terminal_ends_the_watching_and_its_grade(
    start_cli: Callable[..., Run], warm_home: Path, tmp_path: Path
) -> None:
    master, slave = os.openpty()
    terminal = os.ttyname(slave)
    take_terminal = ("sh", "-c", 'exec <"$0" >"$0" 2>&1; exec "$@"', terminal)
    env = {"LINGER_IN": "in a check", "LINGERING": str(tmp_path / "lingering")}
    run = start_cli("start", SERVICE_LAB, home=warm_home, env=env, prefix=take_terminal)
    os.close(slave)
    run.wait_for(tmp_path / "lingering")
    run.note_traces()
    os.close(master)
    run.finish()
    run.assert_nothing_left()
