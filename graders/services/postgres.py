"""A PostgreSQL server of one grade, and the databases given to submissions on it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from graders.errors import CheckFailed, MachineError, SubmissionError
from graders.model import Feedback
from graders.sandbox import Network
from graders.services.roles import create, drop, hand_over, inspector_of

# Said at each connection: what the owner of a database sets for it has no say.
INSPECTING = (
    "-c search_path=public -c lock_timeout=5s -c statement_timeout=30s -c row_security=off"
    " -c default_transaction_read_only=off -c client_encoding=UTF8"
)
NO_ROOM = ("too many clients", "remaining connection slots")


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
    is_shared: bool = False
    variable: str = "DATABASE_URL"

    def url(self, host: str, port: int) -> str:
        """Return the address for the submission, with its own role; no superuser."""
        return f"postgresql://{self.name}:{self.password}@{host}:{port}/{self.name}"

    def fetch(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement as inspector in this database; rows, or none.

        What stands in its way (a missing table, a lock held for seconds) is the learner's failure.
        """
        try:
            with connect(self.inspector, is_shared=self.is_shared) as connection:
                cursor = connection.execute(statement.encode(), parameters or None)
                return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            refused = error.sqlstate or "FATAL: " in str(error)  # by a server that is there
            if not refused or isinstance(error, psycopg.errors.SyntaxError):
                raise  # the lab's own statement is wrong
            expected = f"the database to answer {' '.join(statement.split())!r}"
            step = "Look at what your service made of its tables, and what it locks."
            raise CheckFailed(Feedback(expected, str(error).strip(), "", step)) from None

    def size_bytes(self) -> int:
        """Return what user tables with their indexes take on disk."""
        [(size,)] = self.fetch(
            "SELECT coalesce(sum(pg_catalog.pg_total_relation_size(relid)), 0)::bigint"
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
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = %s",
                self.name,
                self.name,
            )
        )


def connect(address: str, *, is_shared: bool) -> psycopg.Connection[Any]:
    """Open a connection; where none is left, who has them all is at fault.

    That is the submission on a server of this grade's own, else the machine.
    """
    try:
        return psycopg.connect(address, autocommit=True)
    except psycopg.OperationalError as error:
        if not any(words in str(error) for words in NO_ROOM):
            raise
        culprit = MachineError if is_shared else SubmissionError
        raise culprit(
            "PostgreSQL has no connection left, not even for the grader.",
            "Open connections through a pool of fixed size, and close what is not needed.",
        ) from None


class PostgresServer:
    """A running server, reached as superuser through `admin` (a libpq connection string).

    `template` is the seeded database new ones are copied from, or None for empty ones. One that
    `is_shared` serves others beside this grade.
    """

    is_shared = False

    def __init__(
        self, admin: str, host: str, port: int, network: Network, description: str
    ) -> None:
        self.admin, self.network = admin, network
        self.host, self.port = host, port
        self.description = description
        self.template: str | None = None

    def announce(self, name: str) -> None:
        """Say that a database will be made; a server that outlives us needs to know."""

    def require_within_limits(self) -> None:
        """Do nothing: the sandbox watches what its services take."""

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
            self.is_shared,
        )
        with connect(self.admin, is_shared=self.is_shared) as connection:
            create(connection, name, database.password, password, self.template)
        try:
            if self.template:
                hand_over(make_conninfo(self.admin, dbname=name), name)
            yield database
        finally:
            drop(self.admin, name)
