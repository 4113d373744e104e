"""The embedded PostgreSQL: a role of one's own with no more rights than it needs, seeded once."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from graders.errors import LabError
from graders.processes import run_folder
from graders.sandbox import HostNetwork
from graders.services.embedded_postgres import embedded_postgres
from graders.services.postgres import Database, PostgresServer
from graders.services.roles import CONNECTION_LIMIT, drop
from graders.services.seeding import seed

Connect = Callable[..., psycopg.Connection[Any]]


def test_the_submissions_role_owns_its_database_and_is_nobody_elsewhere(
    database: Database, as_submission: Connect
) -> None:
    with as_submission(database) as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        connection.execute("CREATE TABLE mine (n int)")
        connection.execute("CREATE SCHEMA also_mine")
    assert rights == (False,) * 5
    assert database.fetch("SELECT count(*) FROM mine") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY pg_temp.stolen FROM PROGRAM 'id'",
        "COPY pg_temp.stolen FROM '/etc/passwd'",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT rolpassword FROM pg_authid",
        "ALTER SYSTEM SET log_statement = 'all'",
        "CREATE ROLE another SUPERUSER",
        "CREATE DATABASE another",
        "SET ROLE postgres",
        "SET temp_file_limit = -1",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE C AS 'libc', 'getpid'",
    ],
)
def test_the_submissions_role_cannot_reach_beyond_its_database(
    database: Database, as_submission: Connect, statement: str
) -> None:
    with as_submission(database) as connection:
        connection.execute("CREATE TEMP TABLE stolen (line text)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_submissions_role_cannot_enter_the_database_of_another(
    postgres_server: PostgresServer, database: Database, as_submission: Connect
) -> None:
    with postgres_server.provision() as other, pytest.raises(psycopg.OperationalError) as refused:
        as_submission(database, dbname=other.name)
    assert "permission denied for database" in str(refused.value)


@pytest.mark.parametrize("change", [{"user": "postgres", "password": ""}, {"password": "wrong"}])
def test_nobody_else_gets_in_over_tcp(
    database: Database, as_submission: Connect, change: dict[str, str]
) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        as_submission(database, **change)


def test_the_connections_of_a_submission_are_limited(
    database: Database, as_submission: Connect
) -> None:
    with ExitStack() as stack:
        for _ in range(CONNECTION_LIMIT):
            stack.enter_context(as_submission(database))
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            as_submission(database)
        assert database.fetch("SELECT 1") == [(1,)]
        assert database.cut_connections() == CONNECTION_LIMIT


def test_nothing_of_a_database_is_left_even_while_a_client_is_connected(
    postgres_server: PostgresServer, as_submission: Connect
) -> None:
    with postgres_server.provision() as database:
        connection = as_submission(database)
    with contextlib.suppress(psycopg.Error):
        connection.close()
    with psycopg.connect(postgres_server.admin) as admin:
        left = admin.execute(
            "SELECT datname FROM pg_database WHERE datname = %(name)s"
            " UNION ALL SELECT rolname FROM pg_roles WHERE rolname = %(name)s",
            {"name": database.name},
        ).fetchall()
    assert left == []


def test_the_work_of_a_submission_is_exact_once_it_has_disconnected(
    database: Database, as_submission: Connect
) -> None:
    with as_submission(database) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 10000) AS n")
    before = database.work()
    with as_submission(database) as connection:
        for _ in range(3):
            connection.execute("SELECT sum(n) FROM numbers")
    work = database.work() - before
    [(pages,)] = database.fetch("SELECT pg_relation_size('numbers') / 8192")
    assert work.rows == 3 * 10000
    assert work.blocks == 3 * pages
    assert database.size_bytes() >= pages * 8192


def test_figures_come_from_postgres_itself_whatever_functions_a_submission_makes(
    database: Database, as_submission: Connect
) -> None:
    with as_submission(database) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) AS n")
        connection.execute(
            "CREATE FUNCTION pg_total_relation_size(oid) RETURNS bigint LANGUAGE sql AS 'SELECT 1'"
        )
        connection.execute(
            "CREATE FUNCTION pg_terminate_backend(int) RETURNS bool LANGUAGE sql AS 'SELECT true'"
        )
        connection.commit()
        assert database.size_bytes() > 8192
        assert database.cut_connections() == 1
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_code_of_a_submission_that_the_grader_runs_has_no_more_rights_than_the_submission(
    database: Database, as_submission: Connect
) -> None:
    rights = "SELECT rolsuper FROM pg_roles WHERE rolname = session_user"
    with as_submission(database) as connection:
        connection.execute(f"CREATE VIEW notes AS {rights}")
        connection.execute(
            "CREATE VIEW groups AS SELECT rolname FROM pg_roles"
            " WHERE rolname <> session_user AND pg_has_role(session_user, oid, 'MEMBER')"
            " ORDER BY rolname DESC"
        )
    assert database.fetch("TABLE notes") == [(False,)]
    assert database.fetch("TABLE groups") == [
        ("pg_use_reserved_connections",),
        ("pg_database_owner",),
        (database.name,),
    ]


TABLE = "CREATE TABLE thing (id serial PRIMARY KEY, name text); CREATE VIEW names AS TABLE thing;"
ROWS = """
import os
import psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("INSERT INTO thing (name) VALUES ('first'), ('second')")
with open("runs", "a") as runs:
    runs.write("once ")
"""


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return written(tmp_path_factory.mktemp("seeds"), {"table.sql": TABLE, "rows.py": ROWS})


@pytest.fixture(scope="module")
def own_cache() -> Iterator[Path]:
    with run_folder() as folder:
        yield folder / "cache"


def written(folder: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / name for name in files]


@contextmanager
def seeded(cache: Path, files: Sequence[Path]) -> Iterator[Database]:
    with (
        run_folder() as folder,
        embedded_postgres(folder, cache, files, HostNetwork()) as server,
        server.provision() as database,
    ):
        yield database


def runs_of_the_program(seeds: list[Path]) -> int:
    return (seeds[1].parent / "runs").read_text().count("once")


def test_seeding_is_paid_once_until_the_seed_changes(
    seeds: list[Path], own_cache: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        with seeded(own_cache, seeds) as database:
            names = [name for (name,) in database.fetch("SELECT name FROM names ORDER BY name")]
            database.fetch("DELETE FROM thing")
        assert names == ["first", "second"]
    assert runs_of_the_program(seeds) == 1
    more = f"{TABLE} INSERT INTO thing (name) VALUES ('another');"
    changed = written(tmp_path, {"table.sql": more, "rows.py": ROWS})
    with seeded(own_cache, changed) as database:
        assert database.fetch("SELECT count(*) FROM thing") == [(3,)]
    assert runs_of_the_program(changed) == 1


def test_what_the_seed_made_belongs_to_the_submission(
    seeds: list[Path], own_cache: Path, as_submission: Connect
) -> None:
    with seeded(own_cache, seeds) as database, as_submission(database) as connection:
        connection.execute("ALTER TABLE thing ADD COLUMN note text")
        connection.execute("INSERT INTO thing (name) VALUES ('third')")
        connection.execute("ALTER VIEW names RENAME TO all_names")
        connection.execute("CREATE INDEX ON thing (name)")
        assert connection.execute("SELECT max(id) FROM all_names").fetchone() == (3,)


def test_a_seed_that_fails_is_the_labs_fault_and_is_not_cached(
    own_cache: Path, tmp_path: Path
) -> None:
    files = {"table.sql": "CREATE TABEL thing ()"}
    for _ in range(2):
        with pytest.raises(LabError, match=r'table\.sql failed: .* near "TABEL"'):
            seeded(own_cache, written(tmp_path, files)).__enter__()


def test_a_seed_program_that_fails_is_the_labs_fault_with_its_last_words(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    files = written(tmp_path, {"rows.py": "print('no rows today'); raise SystemExit(9)"})
    try:
        with pytest.raises(LabError, match=r"rows\.py failed \(exit code 9\)") as failed:
            seed(postgres_server, "lab_unseeded", files, tmp_path / "seeding.log")
    finally:
        drop(postgres_server.admin, "lab_unseeded")
    assert failed.value.log == ("no rows today",)


def test_two_grades_at_once_share_one_new_home(kit: Any, look_up: Callable[..., Any]) -> None:
    (kit.folder / ".lab" / "cache").unlink()
    command = ["grade", "sql_files", "--from", "labs/sql_files/solutions/index"]
    grades = [kit.start(*command) for _ in range(2)]
    outputs = [one.communicate()[0] for one in grades]
    assert [one.returncode for one in grades] == [0, 0], outputs
    made = [one.name for one in (kit.folder / ".lab" / "cache").glob("postgres-*")]
    assert len(made) == 1
    assert look_up(kit, "history").output.count("3 of 3") == 2


def test_the_cache_may_lie_as_deep_as_one_likes(tmp_path: Path) -> None:
    with seeded(tmp_path / "a folder with a long name" / ("deep" * 30), []) as database:
        assert database.fetch("SELECT 1") == [(1,)]
