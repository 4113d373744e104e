"""What the proxies count is what PostgreSQL and Redis say themselves."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from anyio.from_thread import BlockingPortal

from graders.services import Resource
from graders.services.postgres import Database, PostgresServer
from graders.services.proxy import Observer, Proxy
from graders.services.redis import RedisDatabase
from graders.services.wire import CONNECTION_COMMANDS, PostgresObserver, RedisObserver, Tally
from graders.stand import Link

Connection = psycopg.Connection[Any]
LAST_STATEMENT = "SELECT 'the end'"


def link_to(portal: BlockingPortal, resource: Resource, observe: Callable[[], Observer]) -> Link:
    address, network = (resource.host, resource.port), resource.network
    return Link(portal, Proxy(address, network, network, observe))


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def connect(
    portal: BlockingPortal, postgres_server: PostgresServer, database: Database, tally: Tally
) -> Iterator[Callable[[], Connection]]:
    """Connect through a counting proxy to a server that logs every statement."""
    for setting in ("log_statement = 'all'", "log_parameter_max_length = 0"):
        with psycopg.connect(postgres_server.admin, autocommit=True) as admin:
            admin.execute(f"ALTER ROLE {database.name} SET {setting}")
    link = link_to(portal, database, lambda: PostgresObserver(tally))
    yield lambda: psycopg.connect(database.url("127.0.0.1", link.port))
    link.close()


@pytest.fixture
def logged(folder: Path, wait_until: Callable[..., Any]) -> Callable[[int], int]:
    """Count the statements of one connection in the server's log."""

    def lines(pid: int) -> list[str]:
        files = [folder / name for name in ("postgres.log.old", "postgres.log")]
        text = "".join(file.read_text() for file in files if file.exists())
        ours = [line for line in text.splitlines() if f"[{pid}] LOG:" in line]
        return [line for line in ours if "LOG:  statement: " in line or "LOG:  execute " in line]

    def count(pid: int) -> int:
        wait_until(lambda: any(LAST_STATEMENT in line for line in lines(pid)), "the log's end")
        return len(lines(pid))

    return count


def simple(connection: Connection) -> None:
    with psycopg.ClientCursor(connection) as cursor:
        for number in range(10):
            cursor.execute("SELECT %s::int, %s", (number, "x" * 100 * number))


def extended(connection: Connection) -> None:
    for number in range(3):
        connection.execute("SELECT %s::int, %s", (number, "x" * 100_000 * number))


def prepared(connection: Connection) -> None:
    for number in range(10):
        connection.execute("SELECT %s::int", (number,), prepare=True)


def pipelined(connection: Connection) -> None:
    with connection.pipeline():
        for number in range(20):
            connection.execute("SELECT %s::int", (number,))


def many_rows_at_once(connection: Connection) -> None:
    connection.execute("CREATE TABLE numbers (n int, text text)")
    rows = [(number, "x" * 5000) for number in range(50)]
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO numbers VALUES (%s, %s)", rows)
        with cursor.copy("COPY numbers FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def a_server_side_cursor(connection: Connection) -> None:
    with connection.cursor("mine") as cursor:
        cursor.execute("SELECT generate_series(1, 100)")
        cursor.fetchmany(10)
        cursor.fetchmany(10)


def statements_that_fail(connection: Connection) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / (SELECT count(*) FROM pg_class WHERE oid < %s)", (0,))
        connection.rollback()


@pytest.mark.parametrize(
    ("work", "at_least"),
    [
        (simple, 10),
        (extended, 3),
        (prepared, 10),
        (pipelined, 20),
        (many_rows_at_once, 52),
        (a_server_side_cursor, 3),
        (statements_that_fail, 3),
    ],
)
def test_statements_counted_are_statements_logged(
    connect: Callable[[], Connection],
    tally: Tally,
    logged: Callable[[int], int],
    work: Callable[[Connection], None],
    at_least: int,
) -> None:
    with connect() as connection:
        work(connection)
        connection.commit()
        connection.autocommit = True
        connection.execute(LAST_STATEMENT)
        pid = connection.info.backend_pid
    assert tally.count == logged(pid) > at_least


def test_a_cancelled_statement_and_an_open_connection_are_no_statements(
    connect: Callable[[], Connection], tally: Tally
) -> None:
    with connect() as connection:
        assert tally.count == 0
        connection.cancel_safe()
    assert tally.count == 0


@pytest.fixture
def counted_redis(
    portal: BlockingPortal, redis_database: RedisDatabase, tally: Tally
) -> Iterator[Callable[..., redis.Redis]]:
    """Make a client that goes through a counting proxy."""
    observe = lambda: RedisObserver(tally)  # noqa: E731
    link = link_to(portal, redis_database, observe)
    url = redis_database.url("127.0.0.1", link.port)
    yield lambda **options: redis.Redis.from_url(url, **options)
    link.close()


def commands_processed(database: RedisDatabase) -> int:
    """Return what Redis says it has processed, apart from what connections need."""
    stats = database.client.info("commandstats")
    left_out = {name.decode().lower() for name in CONNECTION_COMMANDS} | {"info"}
    return sum(
        figures["calls"]
        for key, figures in stats.items()
        if key.removeprefix("cmdstat_").partition("|")[0] not in left_out
    )


def one_by_one(client: redis.Redis) -> None:
    for number in range(10):
        client.set(f"key{number}", "x" * 10_000 * number)
        assert client.strlen(f"key{number}") == 10_000 * number


def a_pipeline(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for number in range(500):
            pipeline.set(f"key{number}", b"\r\n$3\r\n*1\r\n" * 50)
        pipeline.execute()


def a_transaction(client: redis.Redis) -> None:
    with client.pipeline(transaction=True) as pipeline:
        pipeline.watch("key")
        pipeline.multi()
        pipeline.incr("key").incr("key")
        pipeline.execute()


def many_arguments(client: redis.Redis) -> None:
    client.mset({f"key{number}": number for number in range(1000)})
    client.mget([f"key{number}" for number in range(1000)])
    client.xadd("stream", {"field": "value"})
    client.xread({"stream": "0"})


def subscribers(client: redis.Redis) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("channel")
        assert pubsub.get_message(timeout=30)["type"] == "subscribe"
        client.publish("channel", "hello")
        assert pubsub.get_message(timeout=30)["data"] == b"hello"


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    ("work", "at_least"),
    [
        (one_by_one, 20),
        (a_pipeline, 500),
        (a_transaction, 5),
        (many_arguments, 4),
        (subscribers, 2),
    ],
)
def test_commands_counted_are_commands_processed(
    counted_redis: Callable[..., redis.Redis],
    redis_database: RedisDatabase,
    tally: Tally,
    work: Callable[[redis.Redis], None],
    at_least: int,
    protocol: int,
) -> None:
    before = commands_processed(redis_database)
    with counted_redis(protocol=protocol) as client:
        work(client)
    assert tally.count == commands_processed(redis_database) - before >= at_least
