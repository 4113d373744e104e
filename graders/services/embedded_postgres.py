"""PostgreSQL started by the kit itself from a cached, seeded cluster."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from graders.errors import LabError, MachineError
from graders.processes import Supervised, free_port
from graders.services.account import unprivileged
from graders.services.binaries import postgres_bin, version
from graders.services.postgres import SEED_OWNER, PostgresServer

CLUSTER_FORMAT = "1"  # part of the cache key: raise it when initialisation or settings change
SEED_DATABASE = "lab_seed"
START_TIMEOUT_S = 20.0
SEED_TIMEOUT_S = 600.0
PORT_ATTEMPTS = 3
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "off",  # the cluster lives for one grade; only submissions are killed, never this server
    "full_page_writes": "off",
    "autovacuum": "off",  # whether it fires within a minute is chance, and it shows in work counters
    "dynamic_shared_memory_type": "mmap",  # nothing in /dev/shm to leave behind
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@contextmanager
def embedded_postgres(
    folder: Path, cache: Path, seed_files: Sequence[Path]
) -> Iterator[PostgresServer]:
    """Start a server on a copy of the lab's cluster, made and seeded once and cached."""
    template = _cached_cluster(cache, seed_files)
    data = folder / "postgres"
    shutil.copytree(template, data)
    data.chmod(0o700)
    unprivileged().adopt(data)
    with _serve(data, folder / "postgres.log") as server:
        if seed_files:
            server.template = SEED_DATABASE
        yield server


def _cached_cluster(cache: Path, seed_files: Sequence[Path]) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    cluster = cache / f"postgres-{_key(seed_files)}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed by the kernel, also when we are killed
        if not cluster.exists():
            building = cache / "building"
            shutil.rmtree(building, ignore_errors=True)
            _build_cluster(building, cache / "building.log", seed_files)
            building.rename(cluster)
    return cluster


def _key(seed_files: Sequence[Path]) -> str:
    digest = hashlib.sha256(f"{CLUSTER_FORMAT} {version(postgres_bin() / 'postgres')}".encode())
    for file in seed_files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _build_cluster(data: Path, log: Path, seed_files: Sequence[Path]) -> None:
    data.mkdir(mode=0o700)
    account = unprivileged()
    account.adopt(data)
    done = subprocess.run(
        [*account.prefix, postgres_bin() / "initdb", "--pgdata", data, "--username", "postgres"]
        + ["--auth-local", "trust", "--auth-host", "scram-sha-256", "--encoding", "UTF8"]
        + ["--locale", "C.UTF-8" if sys.platform == "linux" else "C", "--no-sync", "--no-instructions"],
        capture_output=True,
        text=True,
        env=_environment(),
    )
    if done.returncode != 0:
        raise MachineError(
            f"initdb of {postgres_bin()} failed (exit code {done.returncode}).",
            "Read its last lines below; `lab doctor` tries each part by itself.",
            done.stderr.splitlines()[-10:],
        )
    if seed_files:
        with _serve(data, log) as server:
            _seed(server, seed_files, log.parent)


def _seed(server: PostgresServer, seed_files: Sequence[Path], folder: Path) -> None:
    with psycopg.connect(server.admin, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {SEED_OWNER} SUPERUSER LOGIN PASSWORD '{SEED_OWNER}'")
        connection.execute(f"CREATE DATABASE {SEED_DATABASE} OWNER {SEED_OWNER}")
    url = f"postgresql://{SEED_OWNER}:{SEED_OWNER}@{server.host}:{server.port}/{SEED_DATABASE}"
    for file in seed_files:
        if file.suffix == ".py":
            _run_seed_program(file, url, folder)
        else:
            _run_seed_sql(file, url)
    with psycopg.connect(server.admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} NOLOGIN NOSUPERUSER").format(sql.Identifier(SEED_OWNER))
        )


def _run_seed_sql(file: Path, url: str) -> None:
    try:
        with psycopg.connect(url) as connection:
            connection.execute(file.read_bytes())
    except psycopg.Error as error:
        raise LabError(f"Seed file {file} failed: {error}", "Correct it; try it with psql.") from None


def _run_seed_program(file: Path, url: str, folder: Path) -> None:
    with Supervised(
        [sys.executable, str(file)],
        env={**os.environ, "DATABASE_URL": url},
        cwd=file.parent,
        log=folder / "seed.log",
    ) as program:
        code = program.exit_code(SEED_TIMEOUT_S)
    if code != 0:
        what = f"exit code {code}" if code is not None else f"still running after {SEED_TIMEOUT_S} s"
        raise LabError(f"Seed program {file} failed ({what}).", "Correct it.", program.log_tail())


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


@contextmanager
def _serve(data: Path, log: Path) -> Iterator[PostgresServer]:
    for attempt in range(PORT_ATTEMPTS):
        port = free_port()
        with _postgres(data, log, port) as process:
            server = _ready(process, data, port)
            if server:
                yield server
                return
            lost_port = any("Address already in use" in line for line in process.log_tail())
        if not lost_port or attempt == PORT_ATTEMPTS - 1:
            raise MachineError(
                "PostgreSQL did not start.", "Read its last lines below.", process.log_tail()
            )


def _postgres(data: Path, log: Path, port: int) -> Supervised:
    settings = {**SETTINGS, "port": str(port), "unix_socket_directories": str(data)}
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return Supervised(
        [*unprivileged().prefix, str(postgres_bin() / "postgres"), "-D", str(data), *options],
        env=_environment(),
        cwd=data,
        log=log,
        stop_signal=signal.SIGINT,  # fast shutdown: disconnects clients, frees shared memory
        grace_s=5.0,
    )


def _ready(process: Supervised, data: Path, port: int) -> PostgresServer | None:
    """Return the server once it answers, None when it ended."""
    admin = f"host={data} port={port} user=postgres dbname=postgres"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.exit_code(0.01) is None:
        try:
            with psycopg.connect(admin) as connection:
                number = connection.info.server_version
        except psycopg.OperationalError:
            continue
        return PostgresServer(admin, "127.0.0.1", port, f"PostgreSQL {number // 10000} embedded")
    return None
