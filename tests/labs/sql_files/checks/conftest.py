"""A migrated database, used as the submission's own role."""

import psycopg
import pytest


@pytest.fixture(scope="session")
def migrated(provision, submission_dir):
    with provision("postgres") as database, _own_role(database) as connection:
        for migration in sorted((submission_dir / "migrations").glob("*.sql")):
            connection.execute(migration.read_bytes())
        yield connection


@pytest.fixture(scope="session")
def untouched(provision):
    with provision("postgres") as database, _own_role(database) as connection:
        yield connection


def _own_role(database):
    return psycopg.connect(database.url(database.host, database.port), autocommit=True)
