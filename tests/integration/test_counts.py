"""What the proxies count is what PostgreSQL and Redis say themselves."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from anyio.from_thread import BlockingPortal

from graders.services.postgres import Database
from graders.services.redis import RedisDatabase
from graders.services.wire import (
    CONNECTION_COMMANDS,
    PostgresObserver,
    RedisObserver,
    Tally,
)
from graders.stand import Link

LOGGED = re.compile(r"LOG:  (statement|execute [^:]+): ")


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def counted_postgres(
    portal: BlockingPortal, database: Database, tally: Tally
) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
    """Connect through a counting proxy, to a database whose server logs every statement."""
    database.fetch(f"ALTER ROLE {database.name} SET log_statement = 'all'")
    link = Link(portal, database.host, database.port, lambda: PostgresObserver(tally))
    yield lambda **options: psycopg.connect(database.url("127.0.0.1", link.port), **options)
    link.close()


@pytest.fixture
def logged(folder: Path, wait_until: Callable[..., Any]) -> Callable[[], int]:
    """Count the statements in the server's log since the last call."""
    log, marks = folder / "postgres.log", iter(range(1000))
    seen = 0

    def count() -> int:
        nonlocal seen
        text = log.read_text()
        new, seen = text[seen:], len(text)
        return len(LOGGED.findall(new))

    assert marks
    count()
    return count


def simple(connection: psycopg.Connection[Any]) -> None:
    with psycopg.ClientCursor(connection) as cursor:
        for number in range(10):
            cursor.execute("SELECT %s::int", (number,))
    connection.commit()


def extended(connection: psycopg.Connection[Any]) -> None:
    for number in range(10):
        connection.execute("SELECT %s::int", (number,))
    connection.rollback()


def prepared(connection: psycopg.Connection[Any]) -> None:
    for number in range(10):
        connection.execute("SELECT %s::int", (number,), prepare=True)
    connection.commit()


def pipelined(connection: psycopg.Connection[Any]) -> None:
    with connection.pipeline():
        for number in range(10):
            connection.execute("SELECT %s::int", (number,))
    connection.commit()


def many_rows_at_once(connection: psycopg.Connection[Any]) -> None:
    connection.execute("CREATE TABLE numbers (n int, text text)")
    rows = [(number, "x" * 5000) for number in range(100)]
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO numbers VALUES (%s, %s)", rows)
        with cursor.copy("COPY numbers FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    connection.commit()


def a_server_side_cursor(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor("mine") as cursor:
        cursor.execute("SELECT generate_series(1, 100)")
        cursor.fetchmany(10)
        cursor.fetchmany(10)
    connection.commit()


def statements_that_fail(connection: psycopg.Connection[Any]) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / %s", (0,))
        connection.rollback()
