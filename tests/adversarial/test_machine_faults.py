"""Faults of the machine: exit code 2, a message that says so, the learner never blamed."""

import itertools
import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from graders.errors import MachineError
from graders.history import History
from graders.processes import run_folder
from graders.sandbox import HostNetwork
from graders.services.binaries import version
from graders.services.cluster import initialise, serve_cluster
from graders.services.redis import EmbeddedRedis
from tests.adversarial.conftest import GREETING_LAB, SERVICE_LAB, Grade, Run, whole_attempts

GOOD = SERVICE_LAB / "solutions/good"
GREETING = GREETING_LAB / "solutions/good"
BROKEN_PROGRAM = "#!/bin/sh\necho 'libfish.so.1: cannot open shared object file' >&2\nexit 127\n"


def assert_machines_fault(run: Run, *words: str) -> None:
    """Demand exit code 2, a message that names the machine, a next step, and nothing left."""
    assert run.finish() == 2, run.output
    assert "machine: " in run.output
    assert not [word for word in words if word not in run.output], run.output
    assert "\nnext: " in run.output
    assert "Traceback" not in run.output
    assert "FAILED" not in run.output
    run.assert_nothing_left()


MISSING = {
    "LAB_POSTGRES_BIN": ["No PostgreSQL programs found", "apt install postgresql"],
    "LAB_REDIS_SERVER": ["No Redis program found", "apt install redis-server"],
}


@pytest.mark.parametrize("variable", MISSING)
def test_a_missing_program_is_named_with_what_to_install(
    grade: Callable[..., Grade], warm_home: Path, variable: str
) -> None:
    done = grade(GOOD, lab=SERVICE_LAB, home=warm_home, env={variable: "/nonexistent"})
    done.assert_fault_of("machine", f"{variable} is /nonexistent")
    assert not [word for word in MISSING[variable] if word not in done.output]


def test_a_program_that_does_not_run_here_is_the_machines_fault(
    grade: Callable[..., Grade], warm_home: Path, tmp_path: Path
) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text(BROKEN_PROGRAM)
        (tmp_path / name).chmod(0o755)
    env = {"LAB_POSTGRES_BIN": str(tmp_path)}
    done = grade(GOOD, lab=SERVICE_LAB, home=warm_home, env=env)
    done.assert_fault_of("machine", "postgres does not run", "libfish.so.1")


def test_a_program_that_may_not_be_run_is_the_machines_fault(tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    program.write_text("no program")
    program.chmod(0o644)
    with pytest.raises(MachineError, match="redis-server does not run") as failure:
        version(program)
    assert "Permission denied" in "\n".join(failure.value.log)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class Offering(HostNetwork):
    """A network that holds these ports for free."""

    def __init__(self, ports: Iterable[int]) -> None:
        self.ports = iter(ports)

    def free_port(self) -> int:
        return next(self.ports)


def test_postgres_moves_on_when_its_port_is_taken(taken_port: int) -> None:
    ports = [taken_port, HostNetwork().free_port()]
    with run_folder() as folder:
        initialise(folder / "postgres")
        log = folder / "postgres.log"
        with serve_cluster(folder / "postgres", log, Offering(ports)) as server:
            assert server.port == ports[1]


def test_redis_moves_on_when_its_port_is_taken(taken_port: int) -> None:
    ports = [taken_port, HostNetwork().free_port()]
    with run_folder() as folder, EmbeddedRedis(folder, Offering(ports)).provision() as database:
        assert database.port == ports[1]
        assert database.client.ping()


def test_when_every_port_is_taken_the_machine_is_named(taken_port: int) -> None:
    network = Offering(itertools.repeat(taken_port))
    with run_folder() as folder, pytest.raises(MachineError) as failure:
        EmbeddedRedis(folder, network).provision().__enter__()
    assert "Redis did not start" in failure.value.problem
    assert "Address already in use" in "\n".join(failure.value.log)


SMALL_DISK = """
mount -t tmpfs -o size=$SIZE lab "$SMALL" && "$@"
code=$?
[ -z "$(ls -A "$TMPDIR")" ] || echo "left behind in $TMPDIR"
cp -a "$LAB_HOME/history.sqlite" "$KEPT" 2>/dev/null
exit $code
"""


@pytest.fixture(scope="session")
def own_mounts() -> tuple[str, ...]:
    """A command prefix that gives a program mounts of its own."""
    prefix = ("unshare", "-m") if os.getuid() == 0 else ("unshare", "-rm")
    try_it = ("sh", "-c", "mount -t tmpfs -o size=1m lab /mnt")
    if not shutil.which("unshare") or subprocess.run([*prefix, *try_it]).returncode != 0:
        pytest.skip("no mount namespace to be had here")
    return prefix


@pytest.fixture
def grade_with_small_disk(
    start_cli: Callable[..., Run], own_mounts: tuple[str, ...], tmp_path: Path
) -> Callable[..., Run]:
    """Grade where a variable's folder, TMPDIR or LAB_HOME, is a disk of a given size."""

    def run(variable: str, size: str, lab: Path, source: Path, home: Path) -> Run:
        home.mkdir(parents=True, exist_ok=True)
        script = SMALL_DISK.replace("$SMALL", f"${variable}").replace("$SIZE", size)
        env = {"KEPT": str(tmp_path / "history.sqlite")}
        prefix = (*own_mounts, "sh", "-c", script, "sh")
        return start_cli("grade", lab, "--from", source, home=home, env=env, prefix=prefix)

    return run


@pytest.mark.parametrize("variable", ["TMPDIR", "LAB_HOME"])
def test_a_disk_that_is_too_small_for_the_services_is_the_machines_fault(
    grade_with_small_disk: Callable[..., Run],
    home: Path,
    warm_home: Path,
    tmp_path: Path,
    variable: str,
) -> None:
    where = warm_home if variable == "TMPDIR" else home
    run = grade_with_small_disk(variable, "8m", SERVICE_LAB, GOOD, where)
    assert_machines_fault(run)
    assert "The disk is full" in run.output or "No space left" in run.output
    assert "left behind" not in run.output


def test_a_failure_on_a_full_disk_is_not_held_against_the_learner(
    grade_with_small_disk: Callable[..., Run], home: Path
) -> None:
    starter = GREETING_LAB / "starter"
    run = grade_with_small_disk("TMPDIR", "8m", GREETING_LAB, starter, home)
    assert run.finish() == 2, run.output
    assert "a full disk: " in run.output
    assert "not your fault" in run.output
    assert "Free some space" in run.output


def test_a_report_that_does_not_fit_on_the_disk_is_not_recorded_but_its_verdict_is_told(
    grade_with_small_disk: Callable[..., Run], home: Path, tmp_path: Path
) -> None:
    run = grade_with_small_disk("LAB_HOME", "4k", GREETING_LAB, GREETING, home)
    assert_machines_fault(run, "The disk is full", "The verdict was: passed, 1 of 1")
    assert not (tmp_path / "history.sqlite").exists() or not whole_attempts(tmp_path)


def test_a_lab_home_nobody_may_write_to_is_named(
    start_cli: Callable[..., Run], home: Path, ordinary: tuple[str, ...]
) -> None:
    home.mkdir(mode=0o500)
    run = start_cli("grade", GREETING_LAB, "--from", GREETING, prefix=ordinary)
    assert_machines_fault(run, f"Cannot write to {home}", "Permission denied", "LAB_HOME")
    assert "The verdict was: passed" in run.output
    assert not list(home.iterdir())


def test_a_lab_home_without_room_for_the_cluster_is_named(
    start_cli: Callable[..., Run], home: Path, ordinary: tuple[str, ...]
) -> None:
    home.mkdir(mode=0o500)
    run = start_cli("grade", SERVICE_LAB, "--from", GOOD, prefix=ordinary)
    assert_machines_fault(run, f"Cannot write to {home}", "Permission denied", "LAB_HOME")


def test_a_home_directory_nobody_may_write_to_changes_nothing(
    grade: Callable[..., Grade], tmp_path: Path, warm_home: Path, ordinary: tuple[str, ...]
) -> None:
    (tmp_path / "cottage").mkdir(mode=0o500)
    env = {"HOME": str(tmp_path / "cottage")}
    how = {"lab": SERVICE_LAB, "home": warm_home, "env": env, "prefix": ordinary}
    done = grade(GOOD, "-r", "greets", **how)
    assert done.code == 0, done.output


def test_a_cluster_half_made_by_somebody_is_made_anew(
    grade: Callable[..., Grade], home: Path, warm_home: Path
) -> None:
    [name] = (one.name for one in (warm_home / "cache").glob("postgres-*"))
    half_made = home / f"cache/.{name}.partial"
    (half_made / "base").mkdir(parents=True)
    (half_made / "base/PG_VERSION").touch()
    done = grade(GOOD, "-r", "greets", lab=SERVICE_LAB)
    assert done.code == 0, done.output
    assert not half_made.exists()


def test_a_damaged_cluster_in_the_cache_is_the_machines_fault(
    grade: Callable[..., Grade], home: Path, warm_home: Path
) -> None:
    assert grade(GOOD, "-r", "greets", lab=SERVICE_LAB, home=warm_home).code == 0
    shutil.copytree(warm_home / "cache", home / "cache")
    for control in home.glob("cache/postgres-*/global/pg_control"):
        control.unlink()
    done = grade(GOOD, "-r", "greets", lab=SERVICE_LAB)
    done.assert_fault_of("machine", "PostgreSQL did not start", "pg_control")
    assert "cache" in done.next_step


def test_a_broken_history_is_the_machines_fault_and_left_as_it_is(
    start_cli: Callable[..., Run], home: Path
) -> None:
    home.mkdir()
    file = home / "history.sqlite"
    file.write_bytes(b"once upon a time" * 100)
    run = start_cli("grade", GREETING_LAB, "--from", GREETING)
    assert_machines_fault(run, "The history at", "not a database", "LAB_HISTORY_URL")
    assert file.read_bytes() == b"once upon a time" * 100


def test_a_history_of_another_schema_is_the_machines_fault(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "history.sqlite")) as database:
        database.execute("CREATE TABLE attempts (id INTEGER)")
    with pytest.raises(MachineError, match="no such column") as failure:
        History(f"sqlite:///{tmp_path / 'history.sqlite'}").attempts()
    assert "LAB_HISTORY_URL" in failure.value.next_step


@pytest.mark.parametrize("address", ["nonsense", "fish://sea", "sqlite:////dev/null/history"])
def test_a_history_address_that_leads_nowhere_is_the_machines_fault(address: str) -> None:
    with pytest.raises(MachineError) as failure:
        History(address).attempts()
    assert "LAB_HISTORY_URL" in failure.value.next_step
