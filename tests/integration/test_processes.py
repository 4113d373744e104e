"""Commands under their guard, and the folder of a run."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from graders.processes import Supervised, run_folder
from graders.sandbox.process import environment

LOG_LIMIT_BYTES = (2 << 20) + (1 << 17)  # two halves, and what is written in one go

FAMILY = """
import os, subprocess, sys, time
code = "import time; time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code])
daemon = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
orphan = os.fork()
if orphan == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    open("orphan", "w").write(str(os.getpid()))
    os.rename("orphan", "pid-of-orphan")
    time.sleep(600)
os.waitpid(orphan, 0)
open("family", "w").write(f"{os.getpid()} {child.pid} {daemon.pid}")
os.rename("family", "pids-of-family")
time.sleep(600)
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Start Python code, or a command, under a guard."""
    started: list[Supervised] = []

    def start(code: str | list[str], **options: Any) -> Supervised:
        command = [sys.executable, "-c", code] if isinstance(code, str) else code
        env = options.pop("env", {"PATH": os.environ["PATH"]})
        log = tmp_path / f"{len(started)}.log"
        started.append(Supervised(command, env=env, cwd=tmp_path, log=log, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def family(
    run: Callable[..., Supervised], tmp_path: Path, wait_until: Callable[..., Any]
) -> tuple[Supervised, list[int]]:
    """A process with a child, a child in a session of its own, and an orphaned daemon."""
    supervised = run(FAMILY, grace_s=0.2)
    files = [tmp_path / "pids-of-family", tmp_path / "pid-of-orphan"]
    wait_until(lambda: all(file.exists() for file in files), "the family")
    return supervised, [int(pid) for file in files for pid in file.read_text().split()]


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 11)", -signal.SIGSEGV),
        (["no-such-program"], 127),
    ],
)
def test_the_exit_code_of_a_command_is_told(
    run: Callable[..., Supervised], code: str | list[str], exit_code: int
) -> None:
    assert run(code).exit_code(timeout_s=30) == exit_code


def test_a_command_that_cannot_be_run_is_named_in_the_log(run: Callable[..., Supervised]) -> None:
    process = run(["no-such-program"])
    process.exit_code(timeout_s=30)
    assert "cannot run 'no-such-program': No such file" in process.log_tail()[-1]


def test_a_command_that_still_runs_has_no_exit_code(run: Callable[..., Supervised]) -> None:
    assert run("import time; time.sleep(600)").exit_code(timeout_s=0.05) is None


def test_a_command_that_ended_can_be_ordered_about_without_harm(
    run: Callable[..., Supervised],
) -> None:
    process = run("pass")
    assert process.exit_code(timeout_s=30) == 0
    for order in (process.pause, process.resume, process.kill, process.stop, process.stop):
        order()
    assert process.exit_code() == 0


def test_a_pause_stops_the_whole_family_at_once_and_a_resume_wakes_it(
    family: tuple[Supervised, list[int]], wait_until: Callable[..., Any]
) -> None:
    process, pids = family
    process.pause()
    assert {psutil.Process(pid).status() for pid in pids} == {psutil.STATUS_STOPPED}
    process.resume()
    for pid in pids:
        status = psutil.Process(pid).status
        wait_until(lambda status=status: status() != psutil.STATUS_STOPPED, "it to go on")


@pytest.mark.parametrize("end", [Supervised.stop, Supervised.kill])
def test_the_end_of_a_command_takes_its_family_along(
    family: tuple[Supervised, list[int]], end: Callable[[Supervised], None]
) -> None:
    process, pids = family
    assert set(pids) <= set(process.process_ids())
    end(process)
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert process.process_ids() == []


def test_a_paused_family_can_be_stopped(family: tuple[Supervised, list[int]]) -> None:
    process, pids = family
    process.pause()
    process.stop()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_command_is_asked_to_end_before_it_is_killed(
    run: Callable[..., Supervised], wait_until: Callable[..., Any]
) -> None:
    code = "import signal, time; signal.signal({}, {}); print('ready'); time.sleep(600)"
    env = {"PYTHONUNBUFFERED": "1"}
    polite = run(code.format("signal.SIGTERM", "lambda *_: exit(5)"), env=env, grace_s=60)
    deaf = run(code.format("signal.SIGTERM", "signal.SIG_IGN"), env=env, grace_s=0.1)
    other = run(
        code.format("signal.SIGINT", "lambda *_: exit(6)"), env=env, stop_signal=signal.SIGINT
    )
    for process, exit_code in ((polite, 5), (deaf, -signal.SIGKILL), (other, 6)):
        wait_until(lambda one=process: one.log_tail() == ("ready",), "the command to be ready")
        process.stop()
        assert process.exit_code() == exit_code


def test_the_log_keeps_the_last_lines_and_never_grows_without_end(
    run: Callable[..., Supervised], tmp_path: Path
) -> None:
    process = run("for n in range(100_000): print(n, 'x' * 50)\nprint('a last word')")
    assert process.exit_code(timeout_s=60) == 0
    tail = process.log_tail(3)
    assert [line.split()[0] for line in tail] == ["99998", "99999", "a"]
    size = sum(path.stat().st_size for path in tmp_path.glob("0.log*"))
    assert size <= LOG_LIMIT_BYTES


def test_the_log_has_both_streams_and_bytes_that_are_no_text(
    run: Callable[..., Supervised],
) -> None:
    process = run("import os; os.write(1, b'out\\n'); os.write(2, b'\\xff err\\n')")
    process.exit_code(timeout_s=30)
    assert process.log_tail() == ("out", "\N{REPLACEMENT CHARACTER} err")


def test_a_submission_sees_nothing_of_the_graders_environment(
    run: Callable[..., Supervised], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_GRADER", "1")
    env = environment(tmp_path, tmp_path, {"PORT": "1234"})
    process = run("import os; print(*sorted(os.environ))", env=env)
    process.exit_code(timeout_s=30)
    names = set(process.log_tail()[0].split()) - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
    assert names == {"HOME", "LANG", "PATH", "PORT", "PYTHONUNBUFFERED", "TMPDIR"}


def test_a_run_folder_is_gone_also_where_no_program_is_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with run_folder() as folder:
        (folder / "file").write_text("x")
    assert not folder.exists()


def test_a_run_folder_is_private_and_gone_afterwards_whatever_happened() -> None:
    with contextlib.suppress(RuntimeError), run_folder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "file").write_text("x")
        raise RuntimeError
    assert not folder.exists()


def test_a_grader_that_is_killed_leaves_neither_folder_nor_process(
    gone: Callable[[int], None], wait_until: Callable[..., Any]
) -> None:
    code = """
import sys, time
from graders.processes import Supervised, run_folder
with run_folder() as folder:
    one = Supervised(["sleep", "600"], env={"PATH": sys.argv[1]}, cwd=folder, log=folder / "log")
    print(folder, one.pid, flush=True)
    time.sleep(600)
"""
    grader = subprocess.Popen(
        [sys.executable, "-c", code, os.environ["PATH"]], stdout=subprocess.PIPE, text=True
    )
    with grader:
        assert grader.stdout
        folder, pid = grader.stdout.readline().split()
        assert Path(folder).is_dir()
        assert psutil.pid_exists(int(pid))
        grader.kill()
    gone(int(pid))
    wait_until(lambda: not Path(folder).exists(), "the end of the folder")
