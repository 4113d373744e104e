"""Services that are there already: used, and left as they were found, whatever happens."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from graders.errors import MachineError
from graders.sandbox import HostNetwork
from graders.services import serve
from graders.services.embedded_postgres import embedded_postgres
from graders.services.postgres import Database
from graders.services.redis import EmbeddedRedis

SOLUTION = "solutions/cached"
PASSWORD = "secret"
KEEPS_WRITING = """
import os, signal, time, redis
signal.signal(signal.SIGTERM, signal.SIG_IGN)
client = redis.Redis.from_url(os.environ["REDIS_URL"])
while True:
    client.incr("key")
    time.sleep(0.001)
"""


@dataclass(frozen=True)
class Servers:
    """A PostgreSQL and a Redis of somebody's own, with addresses for their administrator."""

    postgres_admin: str
    database_url: str
    redis_url: str
    weak_redis_url: str
    redis: redis.Redis

    @property
    def env(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def sql(self, statement: str) -> list[Any]:
        with psycopg.connect(self.postgres_admin, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return [row[0] for row in cursor.fetchall()] if cursor.description else []

    def traces(self) -> set[str]:
        """Return all that a grade makes: databases, roles, Redis users and keys.

        The seeded template stays, for the next grade.
        """
        databases = self.sql("SELECT datname FROM pg_database WHERE datname ~ '^lab_(?!seed_)'")
        roles = self.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'lab%'")
        users = [user for user in self.redis.acl_users() if user not in ("default", "lab")]
        keys = [name for name in self.redis.info("keyspace") if name != "db0"]
        found = {"database": databases, "role": roles, "Redis user": users, "keys in": keys}
        return {f"{kind} {name}" for kind, names in found.items() for name in names}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, folder: Path, cache: Path) -> Iterator[Any]:
    place = folder / "external"
    place.mkdir()
    with (
        embedded_postgres(place, cache, [], HostNetwork()) as postgres,
        EmbeddedRedis(place, HostNetwork()).provision() as database,
    ):
        address = f"{postgres.host}:{postgres.port}/postgres"
        password = database.client.get_connection_kwargs()["password"]
        found = Servers(
            postgres.admin,
            f"postgresql://postgres:{PASSWORD}@{address}",
            f"redis://:{password}@{database.host}:{database.port}/0",
            database.url(database.host, database.port),
            database.client,
        )
        found.sql(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")
        found.redis.set("precious", "of somebody else")  # in the database 0 that the address names
        yield found


@pytest.fixture(autouse=True)
def _left_as_found(servers: Servers, wait_until: Callable[..., Any]) -> Iterator[None]:
    yield
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not servers.traces(), "nothing to be left")
    assert servers.traces() == set()
    assert servers.redis.get("precious") == "of somebody else"
    assert servers.redis.dbsize() == 1


@pytest.fixture
def external(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Open services of somebody's own."""
    for key, value in servers.env.items():
        monkeypatch.setenv(key, value)
    return lambda *names: serve(names, "external", tmp_path, tmp_path, [], HostNetwork())


def test_a_grade_on_external_services_leaves_nothing(kit: Any, servers: Servers) -> None:
    done = kit.grade("service", SOLUTION, "--no-load", "--services", "external", **servers.env)
    assert done.code == 0, done.output
    assert done.report["machine"]["postgres"].endswith("external")
    assert done.report["machine"]["redis"].endswith("external")
    seeded = servers.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'lab_seed_%'")
    assert seeded == [1]


def test_a_grader_that_is_killed_leaves_nothing(
    kit: Any, servers: Servers, wait_until: Callable[..., Any]
) -> None:
    source = "labs/service/solutions/cached"
    (kit.folder / source / "app.py").write_text(KEEPS_WRITING)
    options = ["--no-load", "--services", "external"]
    grader = kit.start("grade", "service", "--from", source, *options, **servers.env)
    try:
        made = {"database", "role", "Redis", "keys"}
        wait_until(lambda: {one.split()[0] for one in servers.traces()} == made, "all traces")
    finally:
        grader.kill()
        grader.communicate()


def test_submissions_on_one_server_do_not_share_a_database(external: Any) -> None:
    with external("postgres", "redis") as opened, ExitStack() as stack:
        first, second = (stack.enter_context(opened["redis"].provision()) for _ in range(2))
        assert 0 != first.number != second.number != 0
        first.client.set("key", "of the first")
        assert second.client.dbsize() == 0
        second.flush()
        assert first.client.get("key") == "of the first"
        one, other = (stack.enter_context(opened["postgres"].provision()) for _ in range(2))
        assert isinstance(one, Database)
        assert one.name != other.name


def test_two_grades_on_one_server_do_not_share_a_database(external: Any) -> None:
    with (
        external("redis") as one,
        external("redis") as other,
        one["redis"].provision() as first,
        other["redis"].provision() as second,
    ):
        assert first.number != second.number


@pytest.mark.parametrize("command", ["FLUSHALL", "SWAPDB 0 1", "CONFIG GET dir", "ACL LIST"])
def test_a_submission_cannot_empty_what_belongs_to_others(external: Any, command: str) -> None:
    with external("redis") as opened, opened["redis"].provision() as database:
        url = database.url(database.host, database.port)
        with redis.Redis.from_url(url) as client:
            assert client.set("key", "value")
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command.split())


def test_a_redis_full_of_keys_is_refused_and_never_emptied(external: Any, servers: Servers) -> None:
    numbers = range(1, int(servers.redis.config_get("databases")["databases"]))
    clients = [redis.Redis.from_url(servers.redis_url[:-1] + str(number)) for number in numbers]
    try:
        for client in clients:
            client.set("mine", "too")
        with (
            external("redis") as opened,
            pytest.raises(MachineError, match="never empties") as refused,
            opened["redis"].provision(),
        ):
            pass
        assert refused.value.next_step == "Give the kit a Redis of its own."
        assert [client.get("mine") for client in clients] == [b"too"] * len(clients)
    finally:
        for client in clients:
            client.delete("mine")
            client.close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield nobody.getsockname()[1]


@pytest.mark.parametrize(
    ("service", "variable"), [("postgres", "DATABASE_URL"), ("redis", "REDIS_URL")]
)
def test_an_address_that_is_not_set_is_named(
    external: Any, monkeypatch: pytest.MonkeyPatch, service: str, variable: str
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(MachineError, match=f"needs {variable}, which is not set"):
        external(service).__enter__()


@pytest.mark.parametrize(
    ("service", "url", "message"),
    [
        ("postgres", "postgresql://postgres@127.0.0.1:{port}/postgres", "Connection refused"),
        ("postgres", "nonsense", "DATABASE_URL does not lead to a PostgreSQL"),
        ("postgres", "postgresql://127.0.0.1:port/x", "DATABASE_URL does not lead to"),
        ("redis", "redis://127.0.0.1:{port}/0", "REDIS_URL does not lead to a Redis .*refused"),
        ("redis", "redis://127.0.0.1:port/0", "REDIS_URL does not lead to a Redis"),
        ("redis", "nonsense", "REDIS_URL does not lead to a Redis"),
    ],
)
def test_an_address_that_leads_nowhere_is_the_machines_fault(
    external: Any,
    monkeypatch: pytest.MonkeyPatch,
    closed_port: int,
    service: str,
    url: str,
    message: str,
) -> None:
    variable = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}[service]
    monkeypatch.setenv(variable, url.format(port=closed_port))
    with pytest.raises(MachineError, match=message) as refused:
        external(service).__enter__()
    assert "external" in refused.value.next_step


def test_a_role_that_is_no_superuser_is_refused(
    external: Any, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.sql(f"CREATE ROLE weak LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}'")
    servers.sql("GRANT CONNECT ON DATABASE postgres TO weak")
    monkeypatch.setenv("DATABASE_URL", servers.database_url.replace("postgres:", "weak:", 1))
    try:
        with pytest.raises(MachineError, match="no superuser"):
            external("postgres").__enter__()
    finally:
        servers.sql("REVOKE CONNECT ON DATABASE postgres FROM weak")
        servers.sql("DROP ROLE weak")


def test_a_redis_user_without_rights_is_refused(
    external: Any, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", servers.weak_redis_url)
    with pytest.raises(MachineError, match="no permissions"):
        external("redis").__enter__()
