"""Services that are there already, used as administrator: DATABASE_URL and REDIS_URL."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import sql

from graders.errors import MachineError
from graders.sandbox import Network
from graders.services.compose import compose_url
from graders.services.postgres import PostgresServer
from graders.services.redis import RIGHTS, RedisDatabase, take_back
from graders.services.roles import drop
from graders.services.seeding import seed, seed_key

NOT_OTHERS = "-flushall -swapdb"  # what reaches into the logical databases of others


class Janitor:
    """The process that removes what we made on a server that outlives us."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "graders.services.janitor"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def expect(self, **thing: Any) -> None:
        """Name something that must be gone in the end, before it is made."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(thing).encode() + b"\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Let it clean, and wait for it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


class ExternalPostgres(PostgresServer):
    """A server someone else runs; what a grade makes on it is removed by the janitor."""

    is_shared = True

    def __init__(self, url: str, janitor: Janitor, network: Network) -> None:
        with _admin_connection(url) as connection:
            server = connection.info
            host = "127.0.0.1" if server.host.startswith("/") else server.host
            description = f"PostgreSQL {server.server_version // 10000} external"
            super().__init__(url, host, server.port, network, description)
        self.janitor = janitor

    def use_seed(self, files: Sequence[Path], log: Path) -> None:
        """Seed a template database once; it stays on the server for the next grade."""
        name = f"lab_seed_{seed_key(files)}"
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
            done = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s AND datistemplate", [name]
            ).fetchone()
            if done is None:
                drop(self.admin, name)
                seed(self, name, files, log)
                connection.execute(
                    sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(name))
                )
        self.template = name

    def announce(self, name: str) -> None:
        """Tell the janitor before a database is made."""
        self.janitor.expect(admin=self.admin, database=name)


class ExternalRedis:
    """A server someone else runs; each submission gets an empty logical database and a user.

    The user's name holds the database's number: that is what claims it among grades at one time.
    """

    def __init__(self, url: str, janitor: Janitor, network: Network) -> None:
        self.janitor, self.network = janitor, network
        try:
            address = urlsplit(url)
            self.admin = address._replace(path="").geturl()  # a number in it would beat `db=`
            self.host, self.port = address.hostname or "127.0.0.1", address.port or 6379
            with redis.Redis.from_url(url) as client:
                info = cast(dict[str, Any], client.info("server"))
                self.databases = int(client.config_get("databases")["databases"])
        except (redis.RedisError, ValueError) as error:
            raise MachineError(
                f"REDIS_URL does not lead to a Redis that serves us: {error}.",
                "Start it and use its administrator's address, or leave out --services external.",
            ) from None
        self.description = f"Redis {info['redis_version']} external"

    def require_within_limits(self) -> None:
        """Do nothing: others use it, too, and nobody can say who took what."""

    @contextmanager
    def provision(self) -> Iterator[RedisDatabase]:
        """Claim an empty logical database; it is emptied afterwards, its user removed."""
        number, user = self._claim()
        password = secrets.token_hex(16)
        with redis.Redis.from_url(self.admin, db=number, decode_responses=True) as client:
            rights = [*RIGHTS.split(), *NOT_OTHERS.split()]
            client.execute_command("ACL", "SETUSER", user, "on", f">{password}", *rights)
            try:
                yield RedisDatabase(
                    client, self.host, self.port, self.network, user, password, number
                )
            finally:
                take_back(client, user)

    def _claim(self) -> tuple[int, str]:
        for number in range(self.databases):
            user = f"lab_{number}_{secrets.token_hex(6)}"
            with redis.Redis.from_url(self.admin, db=number, decode_responses=True) as client:
                self.janitor.expect(admin=self.admin, user=user, number=number)
                client.execute_command("ACL", "SETUSER", user, "off")
                if self._claimants(client, number) == [user] and client.dbsize() == 0:
                    return number, user
                client.acl_deluser(user)
        raise MachineError(
            f"Each of the {self.databases} databases of {self.host}:{self.port} holds keys or "
            "is in use, and the kit never empties what it did not fill.",
            "Give the kit a Redis of its own.",
        )

    def _claimants(self, client: redis.Redis, number: int) -> list[str]:
        users = cast(list[str], client.acl_users())
        return [user for user in users if user.startswith(f"lab_{number}_")]


@contextmanager
def external_janitor() -> Iterator[Janitor]:
    """Give a janitor that cleans on leaving."""
    janitor = Janitor()
    try:
        yield janitor
    finally:
        janitor.close()


def required_url(variable: str) -> str:
    """Return an administrator's address: the environment variable's, else that of `make up`."""
    if url := os.environ.get(variable) or compose_url(variable):
        return url
    raise MachineError(
        f"--services external needs {variable}, which is not set, and `make up` does not run.",
        f"Run `make up`, or set {variable} to an administrator's address, "
        "or leave out --services external.",
    )


def _admin_connection(url: str) -> psycopg.Connection[Any]:
    try:
        connection = psycopg.connect(url, connect_timeout=5)
    except psycopg.Error as error:
        raise MachineError(
            f"DATABASE_URL does not lead to a PostgreSQL: {str(error).strip()}.",
            "Start it and use its superuser's address, or leave out --services external.",
        ) from None
    row = connection.execute(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if not row or not row[0]:
        connection.close()
        raise MachineError(
            "The role in DATABASE_URL is no superuser; the kit makes roles and databases with it.",
            "Use a superuser's address; submissions get roles of their own, never this one.",
        )
    return connection
