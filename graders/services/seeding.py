"""Filling the database that a lab's other databases are copied from."""

import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from graders.errors import LabError
from graders.processes import Supervised
from graders.services.postgres import PostgresServer

SEED_TIMEOUT_S = 600.0


def seed_key(files: Sequence[Path], more: str = "") -> str:
    """Return a short hash of the seed files and whatever else the result depends on."""
    digest = hashlib.sha256(more.encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def seed(server: PostgresServer, name: str, files: Sequence[Path], log: Path) -> None:
    """Make database `name` and run the files in it, in order; LabError when one fails."""
    with psycopg.connect(server.admin, autocommit=True) as connection:
        database = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        # While somebody is connected to it, it can't be copied.
        connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(database))
    address = make_conninfo(server.admin, dbname=name)
    for file in files:
        if file.suffix == ".py":
            _run_program(file, address, log)
        else:
            _run_sql(file, address)


def _run_sql(file: Path, address: str) -> None:
    try:
        with psycopg.connect(address) as connection:
            connection.execute(file.read_bytes())
    except psycopg.Error as error:
        raise LabError(
            f"Seed file {file} failed: {error}", "Correct it; try it with psql."
        ) from None


def _run_program(file: Path, address: str, log: Path) -> None:
    with Supervised(
        [sys.executable, str(file.resolve())],
        env={**os.environ, "DATABASE_URL": address},
        cwd=file.parent,
        log=log,
    ) as program:
        code = program.exit_code(SEED_TIMEOUT_S)
    if code != 0:
        how = f"exit code {code}" if code is not None else f"no end after {SEED_TIMEOUT_S:g} s"
        raise LabError(f"Seed program {file} failed ({how}).", "Correct it.", program.log_tail())
