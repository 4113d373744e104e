"""A migrated database, used as the submission's own role."""

import psycopg
import pytest

from graders.checks import expect


@pytest.fixture(scope="session")
def migrated(provision, submission_dir):
    with provision("postgres") as database, _own_role(database) as connection:
        for migration in sorted((submission_dir / "migrations").glob("*.sql")):
            _apply(connection, migration)
        yield connection


@pytest.fixture(scope="session")
def untouched(provision):
    with provision("postgres") as database, _own_role(database) as connection:
        yield connection


def _apply(connection, migration):
    try:
        connection.execute(migration.read_bytes())
        reason = None
    except psycopg.Error as error:
        reason = str(error)
    step = "Run it as the role that owns the tables: psql can show you the line."
    expect(reason is None, f"{migration.name} runs without an error", reason, step)


def _own_role(database):
    return psycopg.connect(database.url(database.host, database.port), autocommit=True)
