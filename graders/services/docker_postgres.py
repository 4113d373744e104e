"""PostgreSQL in a container of the grade's own."""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from graders.containers.images import image_name
from graders.containers.run import DockerRun
from graders.sandbox import Network
from graders.services.cluster import SETTINGS
from graders.services.embedded_postgres import SEED_DATABASE
from graders.services.postgres import PostgresServer
from graders.services.roles import keep_strangers_out
from graders.services.seeding import seed

PORT = 5432
RESERVES_SINCE = 16
START_TIMEOUT_S, POLL_S = 60.0, 0.05
INITDB_ARGS = "--encoding=UTF8 --locale=C.UTF-8 --auth-host=scram-sha-256 --no-sync"


def docker_postgres(
    run: DockerRun, seed_files: Sequence[Path], folder: Path, network: Network
) -> PostgresServer:
    """Start a server with the settings of the embedded one, and seed it; the run removes it."""
    run.engine.require_image("postgres", image_name("postgres"))
    password = secrets.token_hex(16)
    env = {
        "POSTGRES_USER": "postgres",
        "POSTGRES_PASSWORD": password,
        "POSTGRES_INITDB_ARGS": INITDB_ARGS,
    }
    started = run.start("postgres", ["postgres", *_options(run)], env, PORT, memory_limit="1g")
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
    server = PostgresServer(admin, started.host, started.port, network, description)
    if seed_files:
        seed(server, SEED_DATABASE, seed_files, folder / "seeding.log")
        server.template = SEED_DATABASE
    keep_strangers_out(admin)
    return server


def _options(run: DockerRun) -> list[str]:
    settings = {**SETTINGS, "listen_addresses": "*"}
    major = run.engine.environment(image_name("postgres")).get("PG_MAJOR", "")
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
