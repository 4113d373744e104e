"""PostgreSQL in a container of the grade's own."""

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from graders.containers.images import image_name
from graders.errors import SubmissionError
from graders.sandbox import Network
from graders.services.cluster import SETTINGS
from graders.services.docker_containers import ServiceContainers, Started
from graders.services.embedded_postgres import SEED_DATABASE
from graders.services.postgres import Database, PostgresServer
from graders.services.roles import keep_strangers_out
from graders.services.seeding import seed

PORT = 5432
RESERVES_SINCE = 16
START_TIMEOUT_S, POLL_S = 60.0, 0.05
FOLDER = "/lab"  # no volume of any image, and no folder that an entry point looks for data in
FOLDER_BYTES, MEMORY_BYTES = 3 << 30, 1 << 30
WRITES = {"/tmp": 16 << 20, "/var/run/postgresql": 1 << 20}
FULL = re.compile(r"^.*(ERROR|FATAL|PANIC): .*: No space left on device$", re.MULTILINE)
INITDB_ARGS = "--encoding=UTF8 --locale=C.UTF-8 --auth-host=scram-sha-256 --no-sync"


class DockerPostgres(PostgresServer):
    """A server of one grade; what it keeps lies in memory, and is bounded."""

    def __init__(self, admin: str, started: Started, network: Network, description: str) -> None:
        super().__init__(admin, started.host, started.port, network, description)
        self._started = started

    @contextmanager
    def provision(self) -> Iterator[Database]:
        """Make a role and a database; a server that is full, or recovers from it, is explained."""
        try:
            with super().provision() as database:
                yield database
        except psycopg.Error:
            self.require_within_limits()
            raise

    def require_within_limits(self) -> None:
        """Raise SubmissionError when it has been filled, MachineError when it has ended."""
        if FULL.search(self._started.log()):
            raise SubmissionError(
                f"The submission filled PostgreSQL: {FOLDER_BYTES >> 20} MiB are allowed.",
                "Find out what takes it: tables, indexes, temporary files of large sorts.",
            )
        self._started.require_running()


def docker_postgres(
    containers: ServiceContainers, seed_files: Sequence[Path], folder: Path, network: Network
) -> DockerPostgres:
    """Start a server with the settings of the embedded one, and seed it; the run removes it."""
    containers.engine.require_image("postgres", image_name("postgres"))
    password = secrets.token_hex(16)
    env = {
        "POSTGRES_USER": "postgres",
        "POSTGRES_PASSWORD": password,
        "POSTGRES_INITDB_ARGS": INITDB_ARGS,
        "PGDATA": f"{FOLDER}/postgres",
    }
    started = containers.start(
        "postgres",
        ["postgres", *_options(containers)],
        env,
        PORT,
        user="postgres",
        memory_bytes=MEMORY_BYTES,
        writes={FOLDER: FOLDER_BYTES, **WRITES},
    )
    admin = make_conninfo(
        host=started.host, port=started.port, user="postgres", password=password, dbname="postgres"
    )
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (number := _version(admin)):
        started.require_running()
        if time.monotonic() > deadline:
            started.give_up(START_TIMEOUT_S)
        time.sleep(POLL_S)
    description = f"PostgreSQL {number // 10000} docker ({started.image})"
    server = DockerPostgres(admin, started, network, description)
    if seed_files:
        seed(server, SEED_DATABASE, seed_files, folder / "seeding.log")
        server.template = SEED_DATABASE
    keep_strangers_out(admin)
    return server


def _options(containers: ServiceContainers) -> list[str]:
    settings = {**SETTINGS, "listen_addresses": "*"}
    major = containers.engine.environment(image_name("postgres")).get("PG_MAJOR", "")
    if major.isdigit() and int(major) >= RESERVES_SINCE:
        settings["reserved_connections"] = "10"  # for the inspector, whatever floods the others
    return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]


def _version(admin: str) -> int:
    """Return the server's version number, 0 while it does not answer.

    During initialisation the images let nobody in by network, so an answer is the final server's.
    """
    try:
        with psycopg.connect(admin, connect_timeout=5) as connection:
            return connection.info.server_version
    except psycopg.OperationalError:
        return 0
