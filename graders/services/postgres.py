"""A PostgreSQL server of one grade, and the databases given to submissions on it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from graders.errors import CheckFailed
from graders.model import Feedback
from graders.sandbox import Network

# Said at each connection: what the owner of a database sets for it has no say.
INSPECTING = (
    "-c search_path=public -c lock_timeout=5s -c statement_timeout=30s -c row_security=off"
    " -c default_transaction_read_only=off -c client_encoding=UTF8"
)
INSPECTOR_RIGHTS = ("pg_read_all_data", "pg_monitor", "pg_signal_backend")
RESERVED = "pg_use_reserved_connections"  # since PostgreSQL 16
HAND_OVER = """
DO $$ DECLARE thing record; BEGIN
  FOR thing IN
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW'
           WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind,
           oid::regclass AS name
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r','p','v','m','S')
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid
                        AND deptype IN ('a','i') AND relkind = 'S')
  LOOP EXECUTE format('ALTER %s %s OWNER TO %I', thing.kind, thing.name, {}); END LOOP;
  EXECUTE format('ALTER SCHEMA public OWNER TO %I', {});
END $$
"""
ROLE_LIMITS = {"temp_file_limit": "512MB", "idle_in_transaction_session_timeout": "60s"}
CONNECTION_LIMIT = 60


@dataclass(frozen=True)
class Work:
    """What statements touched so far in user tables and their indexes."""

    blocks: int
    rows: int

    def __sub__(self, earlier: "Work") -> "Work":
        return Work(self.blocks - earlier.blocks, self.rows - earlier.rows)


@dataclass(frozen=True)
class Database:
    """A submission's own database, seen with an inspector's eyes.

    `inspector` (a libpq connection string) is a role that may read everything in it and what the
    submission may, but is no superuser: what stands in the database, a view or a trigger, runs with
    the rights of whoever touches it.
    """

    inspector: str
    name: str
    password: str
    host: str
    port: int
    network: Network
    variable: str = "DATABASE_URL"

    def url(self, host: str, port: int) -> str:
        """Return the address for the submission, with its own role; no superuser."""
        return f"postgresql://{self.name}:{self.password}@{host}:{port}/{self.name}"

    def fetch(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement as inspector in this database; rows, or none.

        What stands in its way (a missing table, a lock held for seconds) is the learner's failure.
        """
        try:
            with psycopg.connect(self.inspector, autocommit=True) as connection:
                cursor = connection.execute(statement.encode(), parameters or None)
                return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            if not error.sqlstate or isinstance(error, psycopg.errors.SyntaxError):
                raise  # the server is gone, or the lab's own statement is wrong
            expected = f"the database to answer {' '.join(statement.split())!r}"
            step = "Look at what your service made of its tables, and what it locks."
            raise CheckFailed(Feedback(expected, str(error).strip(), "", step)) from None

    def size_bytes(self) -> int:
        """Return what user tables with their indexes take on disk."""
        [(size,)] = self.fetch(
            "SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint"
            " FROM pg_stat_user_tables"
        )
        return int(size)

    def work(self) -> Work:
        """Return blocks and rows touched; exact once every client has disconnected."""
        [(blocks, rows)] = self.fetch(
            """
            SELECT (SELECT coalesce(sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit, 0)
                                        + coalesce(idx_blks_read, 0)), 0)::bigint
                      FROM pg_statio_user_tables),
                   (SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint
                      FROM pg_stat_user_tables)
            """
        )
        return Work(int(blocks), int(rows))

    def temp_blocks(self) -> int:
        """Return the blocks of temporary files written; exact like `work`."""
        [(bytes_,)] = self.fetch(
            "SELECT temp_bytes FROM pg_stat_database WHERE datname = %s", self.name
        )
        return int(bytes_) // 8192

    def wal_bytes(self) -> int:
        """Return the write-ahead log written so far by the whole server."""
        [(position,)] = self.fetch("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        return int(position)

    def cut_connections(self) -> int:
        """Terminate every connection of the submission; how many there were."""
        return len(
            self.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = %s",
                self.name,
                self.name,
            )
        )


class PostgresServer:
    """A running server, reached as superuser through `admin` (a libpq connection string).

    `template` is the seeded database new ones are copied from, or None for empty ones.
    """

    def __init__(
        self, admin: str, host: str, port: int, network: Network, description: str
    ) -> None:
        self.admin, self.network = admin, network
        self.host, self.port = host, port
        self.description = description
        self.template: str | None = None

    def announce(self, name: str) -> None:
        """Say that a database will be made; a server that outlives us needs to know."""

    @contextmanager
    def provision(self) -> Iterator[Database]:
        """Make a role and a database of its own, both gone afterwards."""
        name = f"lab_{secrets.token_hex(6)}"
        self.announce(name)
        inspector, password = inspector_of(name), secrets.token_hex(16)
        database = Database(
            make_conninfo(
                self.admin, dbname=name, user=inspector, password=password, options=INSPECTING
            ),
            name,
            secrets.token_hex(16),
            self.host,
            self.port,
            self.network,
        )
        with psycopg.connect(self.admin, autocommit=True) as connection:
            _create(connection, database, password, self.template)
        try:
            if self.template:
                hand_over(make_conninfo(self.admin, dbname=name), name)
            yield database
        finally:
            drop(self.admin, name)


def keep_strangers_out(admin: str) -> None:
    """Let submissions connect to no database of a server but their own."""
    with psycopg.connect(admin, autocommit=True) as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datallowconn"):
            connection.execute(
                sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
            )


def hand_over(admin: str, name: str) -> None:
    """Make the submission's role the owner of everything the seed made in its database."""
    to = sql.Literal(name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL(HAND_OVER).format(to, to))


def inspector_of(name: str) -> str:
    """Return the name of the role that looks into a submission's database for the grader."""
    return f"{name}_inspector"


def drop(admin: str, name: str) -> None:
    """Remove a database and its two roles, whoever is still connected."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
        for role in (inspector_of(name), name):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def _create(
    connection: psycopg.Connection[Any],
    database: Database,
    inspectors_password: str,
    template: str | None,
) -> None:
    name, inspector = sql.Identifier(database.name), sql.Identifier(inspector_of(database.name))
    _create_role(connection, name, database.password)
    for setting, value in ROLE_LIMITS.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                name, sql.Identifier(setting), sql.Literal(value)
            )
        )
    _create_role(connection, inspector, inspectors_password)
    rights = [*INSPECTOR_RIGHTS, *([RESERVED] if connection.info.server_version >= 160000 else [])]
    roles = sql.SQL(", ").join([*map(sql.Identifier, rights), name])
    connection.execute(sql.SQL("GRANT {} TO {}").format(roles, inspector))
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            name, name, sql.Identifier(template or "template0")
        )
    )
    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))


def _create_role(connection: psycopg.Connection[Any], role: sql.Identifier, password: str) -> None:
    connection.execute(
        sql.SQL(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
            " PASSWORD {} CONNECTION LIMIT {}"
        ).format(role, sql.Literal(password), sql.Literal(CONNECTION_LIMIT))
    )
