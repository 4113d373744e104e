"""The embedded Redis: a server of one's own, without an administrator's rights."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import psutil
import pytest
import redis

from graders.services.redis import EmbeddedRedis, RedisDatabase


@pytest.fixture
def client(redis_database: RedisDatabase) -> Iterator[redis.Redis]:
    """A client with the rights of a submission."""
    url = redis_database.url(redis_database.host, redis_database.port)
    with redis.Redis.from_url(url, decode_responses=True) as connected:
        yield connected


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG GET dir",
        "CONFIG SET maxmemory 0",
        "SHUTDOWN NOSAVE",
        "DEBUG SLEEP 0",
        "ACL SETUSER lab +@all",
        "ACL LIST",
        "MONITOR",
        "REPLICAOF 127.0.0.1 1",
        "SAVE",
        "BGREWRITEAOF",
        "CLIENT KILL TYPE normal",
        "MODULE LOAD x",
    ],
)
def test_a_submission_has_no_administrators_commands(client: redis.Redis, command: str) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())


def test_a_submission_has_all_that_a_service_needs(client: redis.Redis) -> None:
    client.set("key", "value", ex=60)
    client.xadd("stream", {"a": "1"})
    client.hset("hash", "field", "1")
    client.publish("channel", "hello")
    assert client.eval("return redis.call('GET', KEYS[1])", 1, "key") == "value"
    assert client.info("server")["redis_version"]
    assert sorted(client.scan_iter()) == ["hash", "key", "stream"]


def test_nobody_gets_in_without_the_password(redis_database: RedisDatabase) -> None:
    with socket.create_connection((redis_database.host, redis_database.port)) as stranger:
        stranger.sendall(b"DBSIZE\r\n")
        assert stranger.recv(100).startswith(b"-NOAUTH")


def test_each_submission_has_a_server_of_its_own_that_goes_with_it(
    redis_service: EmbeddedRedis,
) -> None:
    with redis_service.provision() as first, redis_service.provision() as second:
        first.client.set("key", "of the first")
        assert second.client.get("key") is None
        second.flush()
        assert first.client.get("key") == "of the first"
        servers = [one.client.info("server")["process_id"] for one in (first, second)]
        assert all(psutil.pid_exists(pid) for pid in servers)
    assert not any(psutil.pid_exists(pid) for pid in servers)


def test_a_full_memory_is_told_to_the_submission(
    client: redis.Redis, redis_database: RedisDatabase
) -> None:
    redis_database.client.config_set("maxmemory", 1)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        client.set("key", "value")


def test_who_takes_all_connections_does_not_shut_the_grader_out(
    redis_database: RedisDatabase,
) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            address = (redis_database.host, redis_database.port)
            stack.enter_context(socket.create_connection(address))
        assert redis_database.commands() > 0


def test_a_redis_that_a_submission_keeps_busy_keeps_no_check_waiting_for_long(
    client: redis.Redis, redis_database: RedisDatabase
) -> None:
    def run_without_end() -> None:
        with contextlib.suppress(redis.RedisError):
            client.eval("while true do end", 0)

    def ask_until_refused() -> None:
        while True:
            redis_database.commands()

    def kill_until_none_runs() -> None:
        while True:
            redis_database.client.script_kill()

    thread = threading.Thread(target=run_without_end)
    thread.start()
    with pytest.raises(redis.RedisError, match=r"BUSY|Timeout"):
        ask_until_refused()
    redis_database.client.connection_pool.disconnect()
    with pytest.raises(redis.ResponseError, match="NOTBUSY"):
        kill_until_none_runs()
    thread.join()
