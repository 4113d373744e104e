"""The grader ended by signals in each of its phases: nothing is left, the next grade works."""

import os
import signal
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


def lingering_programs(folder: Path, lingering: str) -> Path:
    """Make a LAB_POSTGRES_BIN in which one program, half done, says so and stays there."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("initdb", "postgres"):
        (programs / name).symlink_to(postgres_bin() / name)
    real = postgres_bin() / lingering
    first = f'"{real}" "$@"; rm "$2/global/pg_control"' if lingering == "initdb" else ":"
    script = LINGERING_PROGRAM.format(first=first, mark=folder / "lingering", real=real)
    (programs / lingering).unlink()
    (programs / lingering).write_text(script)
    (programs / lingering).chmod(0o755)
    return programs


@dataclass(frozen=True)
class Victim:
    """A grade on its way into a phase, and a folder with the files it makes on the way."""

    run: Run
    phase: Phase
    folder: Path

    def arrive(self) -> None:
        """Wait until it is in its phase."""
        self.run.wait_for(self.folder / self.phase.reached)
        self.run.note_traces()
        assert bool(self.run.traces.ports) == self.phase.serving
        assert bool(self.run.traces.segments) == self.phase.serving

    def end(self, number: signal.Signals) -> None:
        """Send a signal to the grader alone; it ends as it must, and nothing is left of it."""
        self.run.process.send_signal(number)
        assert self.run.finish() == EXIT_CODES[number], self.run.output
        self.run.assert_nothing_left()
        assert "Traceback" not in self.run.output
        if number == signal.SIGINT:
            assert self.run.output.split("\n")[-2:] == [STOPPED, ""]


@pytest.fixture
def victim(
    start_cli: Callable[..., Run], submission: Callable[..., Path], tmp_path: Path
) -> Callable[..., Victim]:
    """Start a grade that will stay in a phase; several may be on their way at a time."""

    def start(name: str, home: Path, number: signal.Signals = signal.SIGINT) -> Victim:
        folder = tmp_path / number.name
        folder.mkdir()
        phase, lingering, source = PHASES[name], str(folder / "lingering"), GOOD
        env = {"LINGER_IN": name, "LINGERING": lingering}
        if phase.lingering_program:
            env["LAB_POSTGRES_BIN"] = str(lingering_programs(folder, phase.lingering_program))
        if phase.slow_start:
            own = {"LINGERING": lingering, "ASKED_TO_END": folder / "asked to end"}
            source = submission(number.name, files={"app.py": SLOW_START}, env=own)
        if name == "writing the report":
            os.mkfifo(folder / "pipe")  # nobody reads: who writes the summary to it stays there
            env["GITHUB_STEP_SUMMARY"] = str(folder / "pipe")
        options = ("--from", source, "-r", phase.requirement, "--out", folder)
        run = start_cli("grade", SERVICE_LAB, *options, home=home, env=env)
        return Victim(run, phase, folder)

    return start


@pytest.mark.parametrize("phase", [one for one in PHASES if one != "initialising"])
def test_a_grader_ended_in_any_phase_by_any_signal_leaves_nothing(
    victim: Callable[..., Victim], warm_home: Path, phase: str
) -> None:
    victims = {number: victim(phase, warm_home, number) for number in EXIT_CODES}
    for number, one in victims.items():
        one.arrive()
        one.end(number)
    assert not whole_attempts(warm_home)


def test_a_grader_ended_while_it_makes_the_cluster_leaves_no_trap_for_the_next(
    victim: Callable[..., Victim], grade: Callable[..., Grade], tmp_path: Path
) -> None:
    homes = {number: tmp_path / f"{number.name} home" / "home" for number in EXIT_CODES}
    victims = {number: victim("initialising", homes[number], number) for number in EXIT_CODES}
    for number, one in victims.items():
        one.arrive()
        one.run.process.send_signal(number)
        done = grade(GOOD, "-r", "greets", lab=SERVICE_LAB, home=homes[number])  # at once
        assert done.code == 0, done.output
        one.end(number)


def test_what_ended_graders_leave_of_a_lab_home_serves_the_next_grade(
    victim: Callable[..., Victim], grade: Callable[..., Grade], warm_home: Path
) -> None:
    one = victim("in a check", warm_home)
    one.arrive()
    one.end(signal.SIGKILL)
    done = grade(GOOD, "-r", "greets", lab=SERVICE_LAB, home=warm_home)
    assert done.code == 0, done.output


def test_a_second_interrupt_while_it_unwinds_still_leaves_nothing(
    victim: Callable[..., Victim], warm_home: Path
) -> None:
    one = victim("starting the submission", warm_home)
    one.arrive()
    one.run.process.send_signal(signal.SIGINT)
    one.run.wait_for(one.folder / "asked to end")  # ignored: the unwinding takes some seconds
    one.end(signal.SIGINT)


def test_an_impatient_learner_who_never_stops_interrupting_still_leaves_nothing(
    victim: Callable[..., Victim], warm_home: Path
) -> None:
    one = victim("in a check", warm_home)
    one.arrive()

    def ended() -> bool:
        one.run.popen.send_signal(signal.SIGINT)
        return one.run.popen.poll() is not None

    wait_until(ended, f"the end of the run, which said {one.run.output!r}")
    one.run.assert_nothing_left()
    assert "Traceback" not in one.run.output
    assert one.run.popen.returncode == EXIT_CODES[signal.SIGINT]


def test_an_audit_ended_by_any_signal_takes_its_grades_with_it(
    start_cli: Callable[..., Run], warm_home: Path, tmp_path: Path
) -> None:
    victims = {}
    for number in EXIT_CODES:
        env = {"LINGER_IN": "in a check", "LINGERING": str(tmp_path / number.name)}
        run = start_cli("audit", SERVICE_LAB, "--no-load", home=warm_home, env=env)
        victims[number] = Victim(run, Phase(reached=number.name), tmp_path)
    for number, one in victims.items():
        one.arrive()
        one.end(number)


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
