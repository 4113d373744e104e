"""The real command line as a process, and proof that nothing of it is left."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from graders.history import Attempt, History
from tests.docker_engine import docker_settings

collect_ignore = ["lab", "service_lab", "attacks/lab", "attacks/programs"]

HERE = Path(__file__).parent
GREETING_LAB, SERVICE_LAB = HERE / "lab", HERE / "service_lab"
PATIENCE_S, UNWINDING_S = 60.0, 15.0
DROPPED = ("LAB_", "GITHUB_", "PYTHONDONTWRITEBYTECODE", "DATABASE_URL", "REDIS_URL")
MAY_NOT_OVERRIDE = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


def wait_until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Return what the condition says once it is true."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {patience_s:g} s for {what}"
        time.sleep(0.02)
    return found


@dataclass
class Traces:
    """What a run had of the machine, apart from processes and files."""

    ports: set[int] = field(default_factory=set)
    segments: set[int] = field(default_factory=set)
    mapped: set[Path] = field(default_factory=set)


class Run:
    """One call of the command line, with a TMPDIR of its own that marks all it starts."""

    def __init__(
        self, arguments: Sequence[str], *, home: Path, env: Mapping[str, str], prefix: Sequence[str]
    ) -> None:
        self.temporary = Path(tempfile.mkdtemp(prefix="adv-"))  # short: Unix sockets live in it
        self.home = home
        self.traces = Traces()
        self.peak_bytes = 0
        home.parent.mkdir(parents=True, exist_ok=True)
        self._output = home.parent / f"{self.temporary.name}.output"
        with self._output.open("wb") as output:
            self.popen = subprocess.Popen(
                [*prefix, sys.executable, "-m", "graders", *arguments],
                env=self._environment(env),
                cwd=home.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.process = psutil.Process(self.popen.pid)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(DROPPED)}
        own = {"TMPDIR": str(self.temporary), "LAB_HOME": str(self.home), "COLUMNS": "400"}
        return {**kept, **docker_settings(), **own, **more}

    @property
    def output(self) -> str:
        """What it has printed so far, on both streams."""
        return self._output.read_text(errors="replace")

    def finish(self) -> int:
        """Wait for the end and return the exit code (negative: a signal)."""
        wait_until(self._ended, f"the end of the run; so far it said {self.output!r}")
        return self.popen.returncode

    def _ended(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            status = Path(f"/proc/{self.popen.pid}/status").read_text()
            peak_kib = status.partition("VmHWM:")[2].split()[:1]
            self.peak_bytes = max(self.peak_bytes, *(int(one) << 10 for one in peak_kib), 0)
        return self.popen.poll() is not None

    def wait_for(self, file: Path) -> None:
        """Wait until the run has come to the place where this file is made."""

        def come_or_ended() -> bool:
            return file.exists() or self.popen.poll() is not None

        wait_until(come_or_ended, f"{file.name}; so far the run said {self.output!r}")
        assert file.exists(), self.output

    def family(self) -> list[psutil.Process]:
        """Every living process that mentions the run's folder, or descends from its start."""
        found = {process for process in psutil.process_iter() if self._mentioned_by(process)}
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {self.process, *self.process.children(recursive=True)}
        return [one for one in found if _alive(one)]

    def _mentioned_by(self, process: psutil.Process) -> bool:
        mark = str(self.temporary)
        with contextlib.suppress(psutil.Error):
            if any(mark in word for word in process.cmdline()) or mark in process.cwd():
                return True
            return any(mark in value for value in process.environ().values())
        return False

    def note_traces(self) -> None:
        """Remember which ports and shared memory the run has now, to look for them later."""
        pids = {process.pid for process in self.family()}
        self.traces.ports |= {port for port, pid in listening().items() if pid in pids}
        self.traces.segments |= {id_ for id_, creator in segments().items() if creator in pids}
        for pid in pids:
            with contextlib.suppress(OSError):
                maps = Path(f"/proc/{pid}/maps").read_text().split()
                self.traces.mapped |= {Path(one) for one in maps if one.startswith("/dev/shm/")}

    def remains(self) -> dict[str, object]:
        """Return what is left of the run, by kind; empty when it is all gone."""
        left = {
            "processes": self.family(),
            "ports": self.traces.ports & set(listening()),
            "shared memory": self.traces.segments & set(segments()),
            "mapped files": {one for one in self.traces.mapped if one.exists()},
            "files": list(self.temporary.iterdir()) if self.temporary.exists() else [],
        }
        return {kind: things for kind, things in left.items() if things}

    def assert_nothing_left(self) -> None:
        """Give the unwinding some seconds, then demand that no trace of the run is left."""
        deadline = time.monotonic() + UNWINDING_S
        while (left := self.remains()) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not left
        self.temporary.rmdir()

    def clean_up(self) -> None:
        """Take away what a failed test leaves."""
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.popen.wait()
        subprocess.run(["chmod", "-R", "u+rwx", self.temporary], stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", self.temporary])


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def listening() -> dict[int, int | None]:
    """Return every TCP port somebody listens on, with the process."""
    return {
        one.laddr[1]: one.pid
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    }


def segments() -> dict[int, int]:
    """Return the System V shared memory segments of the machine: id and creator's process id."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {int(line.split()[1]): int(line.split()[4]) for line in lines}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A LAB_HOME of this test's own."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def warm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LAB_HOME for grades with services, in which the cluster has been made."""
    home = tmp_path_factory.mktemp("warm") / "home"
    good = ("--from", str(SERVICE_LAB / "solutions/good"), "-r", "greets")
    done = finished(Run(["grade", str(SERVICE_LAB), *good], home=home, env={}, prefix=()))
    assert done.code == 0, done.output
    return home


@pytest.fixture
def start_cli(home: Path) -> Iterator[Callable[..., Run]]:
    """Start the command line: `start_cli("grade", …, env=…, home=…, prefix=…)`."""
    runs: list[Run] = []

    def start(
        *arguments: object,
        home: Path = home,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Run:
        words = [str(one) for one in arguments]
        runs.append(Run(words, home=home, env=env or {}, prefix=prefix))
        return runs[-1]

    yield start
    for run in runs:
        run.clean_up()


@dataclass(frozen=True)
class Grade:
    """A grade after its end, when nothing was left of it."""

    code: int
    output: str
    report: dict[str, Any]
    peak_bytes: int
    run: Run

    @property
    def next_step(self) -> str:
        """What the learner is told to do next about the first trouble."""
        return self._trouble()[2]

    def assert_fault_of(self, culprit: str, *words: str) -> None:
        """Demand the culprit, every word in its message, a next step, and the exit code."""
        blamed, text, next_step = self._trouble()
        assert blamed == culprit, self.output
        assert not [word for word in words if word not in text], text
        assert next_step in self.output
        assert "\nnext: " in self.output
        assert self.code == (1 if culprit == "submission" else 2)

    def _trouble(self) -> tuple[str, str, str]:
        """Return who is blamed, for what, and the next step: of the grade, or its first check."""
        problem = self.report["problem"]
        if problem:
            text = "\n".join([problem["problem"], *problem["log"]])
            return problem["culprit"], text, problem["next_step"]
        checks = [check for one in self.report["requirements"] for check in one["checks"]]
        check = next((one for one in checks if one["outcome"] != "passed"), None)
        assert check, self.output
        feedback = check["feedback"]
        parts = (feedback["expected"], feedback["got"], feedback["where"], *feedback["log"])
        culprit = {"failed": "submission", "error": "lab or machine"}[check["outcome"]]
        return culprit, "\n".join(parts), feedback["next_step"]


def whole_attempts(home: Path) -> list[Attempt]:
    """Return the recorded attempts, each of which must have its whole report."""
    home.mkdir(parents=True, exist_ok=True)
    attempts = History(f"sqlite:///{home / 'history.sqlite'}").attempts()
    for attempt in attempts:
        report = json.loads((Path(attempt.report_folder) / "report.json").read_bytes())
        assert report["verdict"]["outcome"] == attempt.outcome
        assert len(report["requirements"]) == len(attempt.requirements)
    return attempts


@pytest.fixture
def grade(start_cli: Callable[..., Run], home: Path) -> Callable[..., Grade]:
    """Grade a folder with the real command line; it ends, is recorded whole, leaves nothing."""

    def run_grade(source: Path, *options: object, lab: Path = GREETING_LAB, **how: Any) -> Grade:
        recorded = len(whole_attempts(how.get("home", home)))
        done = finished(start_cli("grade", lab, "--from", source, *options, **how))
        assert len(whole_attempts(done.run.home)) == recorded + 1, done.output
        return done

    return run_grade


def finished(run: Run) -> Grade:
    """Wait for a grade to end; it is recorded whole and has left nothing."""
    code = run.finish()
    run.assert_nothing_left()
    attempts = whole_attempts(run.home)
    assert attempts, run.output
    report = json.loads((Path(attempts[-1].report_folder) / "report.json").read_bytes())
    return Grade(code, run.output, report, run.peak_bytes, run)


@pytest.fixture
def submission(tmp_path: Path) -> Callable[..., Path]:
    """Make a submission: a start command and files, beside `good.py`, the good solution's app."""

    def make(
        name: str = "",
        start: Sequence[str] = ("python", "app.py"),
        files: Mapping[str, str] | None = None,
        env: Mapping[str, object] | None = None,
    ) -> Path:
        folder = tmp_path / name / "submission"
        folder.mkdir(parents=True)
        settings = "".join(f"{key} = {json.dumps(str(one))}\n" for key, one in (env or {}).items())
        toml = f"start = {json.dumps(list(start))}\n[env]\n{settings}"
        good = (GREETING_LAB / "solutions/good/app.py").read_text()
        for name, text in {"submission.toml": toml, "good.py": good, **(files or {})}.items():
            (folder / name).write_text(text)
        return folder

    return make


@pytest.fixture
def hostile(grade: Callable[..., Grade], submission: Callable[..., Path]) -> Callable[..., Grade]:
    """Grade a submission made of a start command and files; nothing is left of it."""
    return lambda prefix=(), **content: grade(submission(**content), prefix=prefix)


@pytest.fixture(scope="session")
def ordinary() -> tuple[str, ...]:
    """A command prefix that takes from root the right to read and write everything."""
    if os.getuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("root here, and no setpriv to give up its rights")
    return MAY_NOT_OVERRIDE
