"""The grader ended by signals in each of its phases: nothing is left, the next grade works."""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from graders.services.binaries import postgres_bin
from tests.adversarial.conftest import SERVICE_LAB, Grade, Run, wait_until, whole_attempts

GOOD = SERVICE_LAB / "solutions/good"
STOPPED = "Stopped. Nothing was recorded, and nothing is left running."
EXIT_CODES = {signal.SIGKILL: -9, signal.SIGTERM: -15, signal.SIGINT: 130}


SLOW_START = """
import os, time
from pathlib import Path
Path(os.environ["LINGERING"]).touch()
while True:
    time.sleep(1)
"""
STUBBORN_START = f"""
import os, signal
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: Path(os.environ["ASKED_TO_END"]).touch())
{SLOW_START}
"""


@dataclass(frozen=True)
class Phase:
    """How to keep a grade in one phase; it is there once the file `reached` exists."""

    requirement: str = "greets"
    lingering_program: str = ""
    app: str = ""
    reached: str = "lingering"
    serving: bool = True


PHASES = {
    "initialising": Phase(lingering_program="initdb", serving=False),
    "starting services": Phase(lingering_program="postgres", serving=False),
    "starting the submission": Phase(app=SLOW_START),
    "in a check": Phase(),
    "with a fault": Phase(requirement="greets-without-redis"),
    "during load": Phase(requirement="greets-many"),
    "writing the report": Phase(reached="summary.md", serving=False),
}
STUBBORN = Phase(app=STUBBORN_START)

LINGERING_PROGRAM = """#!/bin/sh
if [ "$1" != --version ]; then
    {first}
    touch "{mark}"
    exec sleep 90
fi
exec "{real}" "$@"
"""


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

    def hit(self, number: signal.Signals) -> None:
        """Send a signal to the grader alone."""
        self.run.process.send_signal(number)

    def fall(self, number: signal.Signals) -> None:
        """Wait for the end: as it must be after this signal, and with nothing left."""
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

    def start(
        phase: Phase, home: Path, number: signal.Signals = signal.SIGINT, linger_in: str = ""
    ) -> Victim:
        folder = tmp_path / number.name
        folder.mkdir()
        lingering, source = str(folder / "lingering"), GOOD
        env = {"LINGER_IN": linger_in, "LINGERING": lingering}
        if phase.lingering_program:
            env["LAB_POSTGRES_BIN"] = str(lingering_programs(folder, phase.lingering_program))
        if phase.app:
            own = {"LINGERING": lingering, "ASKED_TO_END": folder / "asked to end"}
            source = submission(number.name, files={"app.py": phase.app}, env=own)
        if phase.reached == "summary.md":
            os.mkfifo(folder / "pipe")  # nobody reads: who writes the summary to it stays there
            env["GITHUB_STEP_SUMMARY"] = str(folder / "pipe")
        options = ("--from", source, "-r", phase.requirement, "--out", folder)
        run = start_cli("grade", SERVICE_LAB, *options, home=home, env=env)
        return Victim(run, phase, folder)

    return start


def end_all(victims: dict[signal.Signals, Victim]) -> None:
    """Let all arrive in their phase, then end each with its signal."""
    for one in victims.values():
        one.arrive()
    for number, one in victims.items():
        one.hit(number)
    for number, one in victims.items():
        one.fall(number)


@pytest.mark.parametrize("phase", [one for one in PHASES if one != "initialising"])
def test_a_grader_ended_in_any_phase_by_any_signal_leaves_nothing(
    victim: Callable[..., Victim], warm_home: Path, phase: str
) -> None:
    recorded = len(whole_attempts(warm_home))
    end_all({n: victim(PHASES[phase], warm_home, n, linger_in=phase) for n in EXIT_CODES})
    assert len(whole_attempts(warm_home)) == recorded


def test_graders_ended_while_they_make_the_cluster_leave_no_trap_for_the_next(
    victim: Callable[..., Victim], grade: Callable[..., Grade], home: Path
) -> None:
    victims = {}
    for number in EXIT_CODES:  # each starts where the one before has just been hit
        victims[number] = victim(PHASES["initialising"], home, number)
        victims[number].arrive()
        victims[number].hit(number)
    done = grade(GOOD, "-r", "greets", lab=SERVICE_LAB)
    assert done.code == 0, done.output
    for number, one in victims.items():
        one.fall(number)


def test_what_ended_graders_leave_of_a_lab_home_serves_the_next_grade(
    victim: Callable[..., Victim], grade: Callable[..., Grade], warm_home: Path
) -> None:
    end_all({signal.SIGKILL: victim(PHASES["in a check"], warm_home, linger_in="in a check")})
    done = grade(GOOD, "-r", "greets", lab=SERVICE_LAB, home=warm_home)
    assert done.code == 0, done.output


def test_a_second_interrupt_while_it_unwinds_still_leaves_nothing(
    victim: Callable[..., Victim], warm_home: Path
) -> None:
    one = victim(STUBBORN, warm_home)
    one.arrive()
    one.hit(signal.SIGINT)
    one.run.wait_for(one.folder / "asked to end")  # ignored: the unwinding takes some seconds
    one.hit(signal.SIGINT)
    one.fall(signal.SIGINT)


def test_an_impatient_learner_who_never_stops_interrupting_still_leaves_nothing(
    victim: Callable[..., Victim], warm_home: Path
) -> None:
    one = victim(PHASES["in a check"], warm_home, linger_in="in a check")
    one.arrive()

    def ended() -> bool:
        one.run.popen.send_signal(signal.SIGINT)
        return one.run.popen.poll() is not None

    wait_until(ended, "the end of the run")
    one.fall(signal.SIGINT)


def test_an_audit_ended_by_any_signal_takes_its_grades_with_it(
    start_cli: Callable[..., Run], warm_home: Path, tmp_path: Path
) -> None:
    victims = {}
    for number in EXIT_CODES:
        env = {"LINGER_IN": "in a check", "LINGERING": str(tmp_path / number.name)}
        run = start_cli("audit", SERVICE_LAB, "--only", "good", home=warm_home, env=env)
        victims[number] = Victim(run, Phase(reached=number.name), tmp_path)
    end_all(victims)


@contextlib.contextmanager
def read_as_terminals_do(master: int) -> Iterator[None]:
    """Take what is written to a terminal: who writes to one that takes nothing has to wait."""
    closing = threading.Event()

    def read() -> None:
        while not closing.is_set():
            if select.select([master], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):  # nobody has opened the other end yet
                    os.read(master, 1 << 16)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        closing.set()
        reader.join()


def test_closing_the_terminal_ends_the_watching_and_its_grade(
    start_cli: Callable[..., Run], warm_home: Path, tmp_path: Path
) -> None:
    master, slave = os.openpty()
    terminal = os.ttyname(slave)
    take_terminal = ("sh", "-c", 'exec <"$0" >"$0" 2>&1; exec "$@"', terminal)
    listen = ("env", "--default-signal=HUP")  # under nohup these tests inherit its deafness
    env = {"LINGER_IN": "in a check", "LINGERING": str(tmp_path / "lingering")}
    run = start_cli("start", SERVICE_LAB, home=warm_home, env=env, prefix=(*listen, *take_terminal))
    os.close(slave)
    with read_as_terminals_do(master):
        run.wait_for(tmp_path / "lingering")
        run.note_traces()
    os.close(master)
    run.finish()
    run.assert_nothing_left()
