"""A PostgreSQL cluster on disk: initialised, and served while someone needs it."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from graders.errors import MachineError
from graders.processes import Supervised
from graders.sandbox import Network
from graders.services.account import unprivileged
from graders.services.binaries import postgres_bin
from graders.services.postgres import PostgresServer

INITDB_TIMEOUT_S = 120.0
START_TIMEOUT_S = 20.0
PORT_ATTEMPTS = 3
LOCALE = "C.UTF-8" if sys.platform == "linux" else "C"
ENDS_CLEAN = {"restart_after_crash": "off"}  # also when its children were killed
INITDB_OPTIONS = (
    *("--username", "postgres", "--auth-local", "trust", "--auth-host", "scram-sha-256"),
    *("--encoding", "UTF8", "--locale", LOCALE, "--no-sync", "--no-instructions"),
)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "off",  # the cluster lives for one grade; only submissions are killed
    "full_page_writes": "off",
    "autovacuum": "off",  # whether it fires in a grade is chance, and work counters show it
    "dynamic_shared_memory_type": "mmap",  # nothing in /dev/shm to leave behind
    "client_connection_check_interval": "1s",  # who was ended must not go on in a query
    "authentication_timeout": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def initialise(data: Path) -> None:
    """Make an empty cluster whose superuser `postgres` is reached over a Unix socket only."""
    data.mkdir(mode=0o700)
    account = unprivileged()
    account.adopt(data)
    command = [str(postgres_bin() / "initdb"), "--pgdata", str(data), *INITDB_OPTIONS]
    log = data.with_name("initdb.log")
    with Supervised([*account.prefix, *command], env=_environment(), cwd=data, log=log) as initdb:
        code = initdb.exit_code(INITDB_TIMEOUT_S)
    if code != 0:
        how = f"exit code {code}" if code is not None else f"no end after {INITDB_TIMEOUT_S:g} s"
        raise MachineError(
            f"initdb of {postgres_bin()} failed ({how}).",
            "Read its last lines below; `lab doctor` tries each part by itself.",
            initdb.log_tail(10),
        )


@contextmanager
def serve_cluster(
    data: Path, log: Path, network: Network, **settings: str
) -> Iterator[PostgresServer]:
    """Run PostgreSQL on a cluster, in a network; it is shut down, not killed, on leaving.

    `settings` go beyond those that every server of the kit has.
    """
    for attempt in range(PORT_ATTEMPTS):
        port = network.free_port()
        with _start(data, log, port, network, settings) as process:
            network.started(process)
            server = _ready(process, data, port, network)
            if server:
                yield server
                return
            lost_port = any("Address already in use" in line for line in process.log_tail())
        if not lost_port or attempt == PORT_ATTEMPTS - 1:
            raise MachineError(
                "PostgreSQL did not start.",
                "Read its last lines below; if they tell of damaged or missing files, delete the "
                "folder `cache` in LAB_HOME (.lab): it costs only time.",
                process.log_tail(),
            )


def _start(
    data: Path, log: Path, port: int, network: Network, more: Mapping[str, str]
) -> Supervised:
    places = {"port": str(port), "unix_socket_directories": str(data)}
    settings = {**SETTINGS, **ENDS_CLEAN, **places, **more}
    if (data / "PG_VERSION").read_text().strip() != "15":
        settings["reserved_connections"] = "10"  # for the inspector, whatever floods the others
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    prefix = [*network.join, *unprivileged().prefix]
    return Supervised(
        [*prefix, str(postgres_bin() / "postgres"), "-D", str(data), *options],
        env=_environment(),
        cwd=data,
        log=log,
        stop_signal=signal.SIGINT,  # fast shutdown: disconnects clients, frees shared memory
        grace_s=15.0,  # it must not be killed because the machine is busy: its memory would be left
    )


def _ready(process: Supervised, data: Path, port: int, network: Network) -> PostgresServer | None:
    """Return the server once it answers, None when it ended."""
    admin = f"host={data} port={port} user=postgres dbname=postgres"
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.exit_code(0.01) is None:
        try:
            with psycopg.connect(admin) as connection:
                number = connection.info.server_version
        except psycopg.OperationalError:
            continue
        description = f"PostgreSQL {number // 10000} embedded"
        return PostgresServer(admin, "127.0.0.1", port, network, description)
    return None


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
