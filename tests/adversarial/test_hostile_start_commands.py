"""Start commands that misbehave: a clear message, the right exit code, nothing left."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from graders.processes import Supervised
from tests.adversarial.conftest import GREETING_LAB, Grade, Run, finished, wait_until

LOG_LIMIT_BYTES = 2 << 20

DAEMON = """
import os, signal, sys, time
from pathlib import Path

def daemonise(work):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.chdir("/")
            with Path(os.environ["PIDS"]).open("a") as pids:
                pids.write(f"{os.getpid()}\\n")
            work()
            os._exit(0)
        os._exit(0)
    os.wait()

def sleep():
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One history for all of them: each adds an attempt and spoils none."""
    return tmp_path_factory.mktemp("hostile") / "home"


def assert_dead(pids: Path) -> None:
    numbers = [int(line) for line in pids.read_text().split()]
    assert numbers
    assert not [pid for pid in numbers if psutil.pid_exists(pid)]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_good_submission_passes_in_this_lab(hostile: Callable[..., Grade]) -> None:
    done = hostile(start=["python", "good.py"])
    assert done.code == 0, done.output
    assert done.report["verdict"]["outcome"] == "passed"


def test_a_start_command_that_does_not_exist_is_named(hostile: Callable[..., Grade]) -> None:
    done = hostile(start=["no-such-program", "--port", "{port}"])
    done.assert_fault_of("submission", "'no-such-program --port {port}' ended", "No such file")


@pytest.mark.parametrize("code", [0, 1])
def test_a_start_command_that_exits_at_once_is_the_submissions_fault(
    hostile: Callable[..., Grade], code: int
) -> None:
    done = hostile(files={"app.py": f"print('a last word'); raise SystemExit({code})"})
    done.assert_fault_of("submission", f"exit code {code} before it was ready", "a last word")


def test_a_start_command_that_crashes_is_named_with_its_signal(
    hostile: Callable[..., Grade],
) -> None:
    done = hostile(files={"app.py": "import os; os.kill(os.getpid(), 11)"})
    done.assert_fault_of("submission", f"signal {int(signal.SIGSEGV)} before it was ready")


NEVER_READY = {
    "never listens": (
        "import time; print('thinking', flush=True); time.sleep(600)",
        ["Cannot connect", "thinking"],
    ),
    "accepts and says nothing": (
        "import good, time; good.Greeter.do_GET = lambda self: time.sleep(600); good.serve()",
        ["last: no answer: not complete"],
    ),
    "answers 503": (
        "import good; good.Greeter.do_GET = lambda self: self.send_error(503, 'warming up');"
        "good.serve()",
        ["last: 503", "warming up"],
    ),
    "listens on a port of its own": (
        "import good, os; os.environ['PORT'] = '0'; good.serve()",
        ["GET /healthz on port"],
    ),
}


def test_a_service_that_is_never_ready_is_given_up_on_and_the_learner_told_why(
    start_cli: Callable[..., Run], submission: Callable[..., Path], tmp_path: Path
) -> None:
    runs = {
        name: start_cli(
            "grade",
            GREETING_LAB,
            "--from",
            submission(name, files={"app.py": app}),
            home=tmp_path / name / "home",
        )
        for name, (app, _words) in NEVER_READY.items()
    }
    for name, run in runs.items():
        done = finished(run)
        done.assert_fault_of("submission", "did not answer 200 within 4 s", *NEVER_READY[name][1])
        assert "variable PORT" in done.next_step


def test_a_service_that_listens_late_but_in_time_passes(hostile: Callable[..., Grade]) -> None:
    done = hostile(files={"app.py": "import time, good; time.sleep(1.5); good.serve()"})
    assert done.code == 0, done.output


def test_endless_output_fills_neither_the_disk_nor_the_patience(
    start_cli: Callable[..., Run], submission: Callable[..., Path], tmp_path: Path
) -> None:
    app = """
import os, sys, threading, good
from pathlib import Path
line = b"x" * 99 + b"\\n"
for _ in range(60):
    os.write(1, line * 1000)
threading.Thread(target=lambda: [os.write(2, line * 100) for _ in iter(int, 1)]).start()
Path(os.environ["TALKED"]).touch()
good.serve()
"""
    talked = tmp_path / "talked"
    folder = submission(files={"app.py": app}, env={"TALKED": talked})
    run = start_cli("grade", GREETING_LAB, "--from", folder)
    run.wait_for(talked)  # 6 MB were written by now
    logs = list(run.temporary.glob("lab-*/app-*.log*"))
    sizes = [log.stat().st_size for log in logs]
    assert 0 < sum(sizes) <= LOG_LIMIT_BYTES, dict(zip(logs, sizes, strict=True))
    assert run.finish() == 0, run.output
    run.assert_nothing_left()


def test_a_command_may_be_stopped_the_moment_it_starts(tmp_path: Path) -> None:
    for _ in range(10):
        sleeper = Supervised(["sleep", "600"], env={}, cwd=tmp_path, log=tmp_path / "log")
        sleeper.stop()
        assert sleeper.exit_code() == -signal.SIGTERM  # not SIGKILL: the signal got through


def test_a_service_that_ignores_sigterm_is_ended_all_the_same(
    hostile: Callable[..., Grade],
) -> None:
    app = "import signal, good; signal.signal(signal.SIGTERM, signal.SIG_IGN); good.serve()"
    assert hostile(files={"app.py": app}).code == 0


def test_daemons_of_a_service_are_ended_with_it(
    hostile: Callable[..., Grade], tmp_path: Path
) -> None:
    app = "import daemon, good\nfor _ in range(3): daemon.daemonise(daemon.sleep)\ngood.serve()"
    files = {"app.py": app, "daemon.py": DAEMON}
    done = hostile(files=files, env={"PIDS": tmp_path / "pids"})
    assert done.code == 0, done.output
    assert_dead(tmp_path / "pids")


def test_a_start_command_that_leaves_a_daemon_on_the_port_fails_and_the_daemon_goes(
    hostile: Callable[..., Grade], tmp_path: Path
) -> None:
    app = """
import os, time, daemon, good
from pathlib import Path
starter = Path(f"/proc/{os.getpid()}")
def serve_once_alone():
    while starter.exists():
        time.sleep(0.01)
    good.serve()
daemon.daemonise(serve_once_alone)
"""
    files = {"app.py": app, "daemon.py": DAEMON}
    done = hostile(files=files, env={"PIDS": tmp_path / "pids"})
    done.assert_fault_of("submission", "exit code 0 before it was ready")
    assert "foreground" in done.next_step
    assert_dead(tmp_path / "pids")


def test_a_fork_bomb_is_cleared_away(hostile: Callable[..., Grade], tmp_path: Path) -> None:
    app = """
import daemon, good
def multiply(depth):
    for _ in range(3 if depth else 0):
        daemon.daemonise(lambda: multiply(depth - 1))
    if depth < 3:
        daemon.sleep()
multiply(3)
good.serve()
"""
    files = {"app.py": app, "daemon.py": DAEMON}
    done = hostile(files=files, env={"PIDS": tmp_path / "pids"})
    assert done.code == 0, done.output
    assert_dead(tmp_path / "pids")


def test_a_fixed_port_that_is_taken_shows_the_learner_why(
    hostile: Callable[..., Grade], taken_port: int
) -> None:
    app = "import good, os; os.environ['PORT'] = os.environ['FIXED']; good.serve()"
    done = hostile(files={"app.py": app}, env={"FIXED": taken_port})
    done.assert_fault_of("submission", "exit code 1", "Address already in use")
    assert "PORT" in done.next_step


ASK_FOR_SQUATTER = """
import os, time, good
from pathlib import Path
wish = Path(os.environ["WISHES"]) / os.environ["PORT"]
if not list(wish.parent.iterdir()) or "always" in os.environ:
    wish.touch()
    time.sleep(600)
good.serve()
"""


@pytest.fixture
def squatter(tmp_path: Path) -> Iterator[Path]:
    """A program of somebody else's that answers 200 on every port named by a file in a folder."""
    wishes, servers, ended = tmp_path / "wishes", [], threading.Event()
    wishes.mkdir()

    def serve() -> None:
        served: set[str] = set()
        while not ended.wait(0.01):
            for wish in {one.name for one in wishes.iterdir()} - served:
                served.add(wish)
                servers.append(socket.create_server(("127.0.0.1", int(wish))))
                threading.Thread(target=answer, args=(servers[-1],), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    yield wishes
    ended.set()
    thread.join()
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def answer(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with closing(connection):
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_an_answer_of_another_program_is_not_taken_for_the_submissions(
    hostile: Callable[..., Grade], squatter: Path
) -> None:
    env = {"WISHES": squatter, "always": "yes"}
    done = hostile(files={"app.py": ASK_FOR_SQUATTER}, env=env)
    done.assert_fault_of("submission", "is answered by another program, not by", "app.py")


def test_a_port_lost_to_another_program_is_replaced_when_the_command_takes_any(
    hostile: Callable[..., Grade], squatter: Path
) -> None:
    done = hostile(
        start=["python", "app.py", "{port}"],
        files={"app.py": ASK_FOR_SQUATTER},
        env={"WISHES": squatter},
    )
    assert done.code == 0, done.output
    wait_until(lambda: len(list(squatter.iterdir())) == 1, "exactly one lost port")


def test_the_submission_can_end_its_guard_and_still_leaves_nothing(
    hostile: Callable[..., Grade],
) -> None:
    app = "import os, time; os.kill(os.getppid(), 9); time.sleep(600)"
    done = hostile(files={"app.py": app})
    done.assert_fault_of("submission", "before it was ready")
