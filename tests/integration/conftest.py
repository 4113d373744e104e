"""A kit of one's own to call the real command line in, and real services."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from graders.cli import main
from graders.processes import run_folder
from graders.sandbox import HostNetwork
from graders.services.embedded_postgres import embedded_postgres
from graders.services.postgres import Database, PostgresServer
from graders.services.redis import EmbeddedRedis, RedisDatabase
from tests.docker_engine import docker_settings

LABS = Path(__file__).parent.parent / "labs"
TEMPLATES = Path(__file__).parent.parent.parent / "templates"
PATIENCE_S = 60.0
NOT_PASSED_ON = (
    *("LAB_", "GITHUB_", "DATABASE_URL", "REDIS_URL", "PYTEST_"),
    "PYTHONDONTWRITEBYTECODE",  # with it every command would compile all it imports
)


@dataclass(frozen=True)
class Done:
    """A command line after its end; `report` is what it wrote with --out, if it did."""

    code: int
    output: str
    report: dict[str, Any] | None

    def requirement(self, id_: str) -> dict[str, Any]:
        """Return one requirement of the report."""
        assert self.report, self.output
        return next(one for one in self.report["requirements"] if one["id"] == id_)

    def feedback(self, id_: str) -> dict[str, Any]:
        """Return the feedback of the first check of a requirement that has some."""
        return next(one["feedback"] for one in self.requirement(id_)["checks"] if one["feedback"])


class Kit:
    """A folder with copies of the tiny labs, in which `lab` is called as a learner would."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        for source, target in ((LABS, "labs"), (TEMPLATES, "templates")):
            ignored = shutil.ignore_patterns("__pycache__", "certificate.*")
            shutil.copytree(source, folder / target, ignore=ignored)
        for template in TEMPLATES.iterdir():  # they are small labs of every kind
            if not (folder / "labs" / template.name).exists():
                shutil.copytree(
                    folder / "templates" / template.name, folder / "labs" / template.name
                )
        shutil.copy(TEMPLATES.parent / "requirements.lock", folder)
        (folder / ".lab").mkdir()
        (folder / ".lab" / "cache").symlink_to(cache)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a command in this kit."""
        kept = {key: one for key, one in os.environ.items() if not key.startswith(NOT_PASSED_ON)}
        return {**kept, **docker_settings(), "COLUMNS": "300", **more}

    def start(self, *arguments: object, **env: str) -> subprocess.Popen[str]:
        """Start `lab` with these arguments."""
        return subprocess.Popen(
            [sys.executable, "-m", "graders", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(**env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def lab(self, *arguments: object, **env: str) -> Done:
        """Call `lab` with these arguments and wait for its end."""
        with self.start(*arguments, **env) as process:
            output, _ = process.communicate()
        return Done(process.returncode, output, None)

    def grade(self, lab: str, source: str, *options: object, **env: str) -> Done:
        """Grade a submission of a lab, and read the report."""
        out = self.folder / "out"
        folder = Path("labs", lab, source)
        done = self.lab("grade", lab, "--from", folder, "--out", out, *options, **env)
        report = json.loads((out / "report.json").read_bytes()) if out.exists() else None
        shutil.rmtree(out, ignore_errors=True)
        return Done(done.code, done.output, report)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder for services, with a path short enough for Unix sockets."""
    with run_folder() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def cache(folder: Path) -> Path:
    """Where seeded clusters are kept for all tests of the session."""
    (folder / "cache").mkdir()
    return folder / "cache"


@pytest.fixture(scope="session")
def new_kit(cache: Path) -> Callable[[Path], Kit]:
    """Make a kit in a folder."""
    return lambda parent: Kit(parent / "kit", cache)


@pytest.fixture
def kit(tmp_path: Path, new_kit: Callable[[Path], Kit]) -> Kit:
    """A kit of this test's own."""
    return new_kit(tmp_path)


@pytest.fixture(scope="module")
def shared_kit(tmp_path_factory: pytest.TempPathFactory, new_kit: Callable[[Path], Kit]) -> Kit:
    """A kit that the tests of one module share."""
    return new_kit(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def look_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Done]]:
    """Call `lab` in this very process: quick, for commands that start nothing."""
    interrupt = signal.getsignal(signal.SIGINT)

    def call(kit: Kit, *arguments: str) -> Done:
        monkeypatch.chdir(kit.folder)
        monkeypatch.setattr(sys, "argv", ["lab", *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return Done(int(str(code or 0)), printed.out + printed.err, None)

    yield call
    signal.signal(signal.SIGINT, interrupt)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """Wait for a condition to become true, and return what it said."""

    def wait(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
        deadline = time.monotonic() + patience_s
        while not (found := condition()):
            assert time.monotonic() < deadline, f"waited {patience_s:g} s for {what}"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for services: sockets need short paths."""
    with run_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def gone(wait_until: Callable[..., Any]) -> Callable[[int], None]:
    """Wait until a process is no more."""

    def wait(pid: int) -> None:
        wait_until(lambda: not _alive(pid), f"the end of process {pid}")

    return wait


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """An event loop beside the tests."""
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_server(folder: Path, cache: Path) -> Iterator[PostgresServer]:
    """An empty embedded PostgreSQL."""
    with embedded_postgres(folder, cache, [], HostNetwork()) as server:
        yield server


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[Database]:
    """A database as a submission gets it."""
    with postgres_server.provision() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def redis_service(folder: Path) -> EmbeddedRedis:
    """What starts an embedded Redis for each submission."""
    return EmbeddedRedis(folder, HostNetwork())


@pytest.fixture
def redis_database(redis_service: EmbeddedRedis) -> Iterator[RedisDatabase]:
    """A Redis as a submission gets it."""
    with redis_service.provision() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def as_submission() -> Callable[..., psycopg.Connection[Any]]:
    """Connect to a database with the submission's own role."""

    def connect(database: Database, **options: Any) -> psycopg.Connection[Any]:
        url = database.url(database.host, database.port)
        return psycopg.connect(url, autocommit=True, **options)

    return connect


@pytest.fixture
def append_check(kit: Kit) -> Callable[..., None]:
    """Add a check to a requirement of a lab of the kit."""

    def append(lab: str, requirement: str, code: str, marks: str = "") -> None:
        [module] = (kit.folder / "labs" / lab / "checks").glob("test_*.py")
        lines = [f'@requirement("{requirement}")', *marks.splitlines(), textwrap.dedent(code)]
        with module.open("a") as file:
            file.write("\n\n" + "\n".join(lines))

    return append
