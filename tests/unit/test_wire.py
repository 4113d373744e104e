"""Counting statements and commands off the wire, however the bytes are cut into chunks."""

import itertools
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.services.proxy import Observer
from graders.services.wire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    SSL_REQUEST,
    PostgresObserver,
    RedisObserver,
    Tally,
)

PROTOCOL_3 = 196608
CUTS = st.lists(st.integers(0, 400), max_size=12)


def count(observer: Callable[[Tally], Observer], stream: bytes, cuts: Iterable[int] = ()) -> int:
    """Feed a stream in chunks that end at the cuts; return what was counted."""
    tally = Tally()
    watching = observer(tally)
    borders = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(borders):
        watching.feed(stream[start:end])
    return tally.count


def startup(code: int, body: bytes = b"") -> bytes:
    return (8 + len(body)).to_bytes(4) + code.to_bytes(4) + body


def message(kind: str, body: bytes) -> bytes:
    return kind.encode() + (4 + len(body)).to_bytes(4) + body


def command(*words: bytes) -> bytes:
    parts = [b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(one), one) for one in words)]
    return b"".join(parts)


MESSAGES = st.lists(st.tuples(st.sampled_from("QEPBDSCdcfpX"), st.binary(max_size=20)), max_size=8)
OPENINGS = st.lists(st.sampled_from([SSL_REQUEST, GSS_REQUEST]), max_size=2)
WORDS = st.lists(st.binary(max_size=20), max_size=3)
NAMES = st.sampled_from([b"GET", b"set", b"PING", b"hello", b"Client", b"EVALSHA"])


@given(openings=OPENINGS, messages=MESSAGES, cuts=CUTS)
def test_postgres_statements_are_counted_however_the_stream_is_cut(
    openings: list[int], messages: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    hello = [*(startup(code) for code in openings), startup(PROTOCOL_3, b"user\0app\0\0")]
    stream = b"".join([*hello, *(message(kind, body) for kind, body in messages)])
    assert count(PostgresObserver, stream, cuts) == sum(kind in "QE" for kind, _ in messages)


@given(commands=st.lists(st.tuples(NAMES, WORDS), max_size=6), cuts=CUTS)
def test_redis_commands_are_counted_however_the_stream_is_cut(
    commands: list[tuple[bytes, list[bytes]]], cuts: list[int]
) -> None:
    stream = b"".join(command(name, *words) for name, words in commands)
    counted = sum(name in (b"GET", b"set", b"EVALSHA") for name, _ in commands)
    assert count(RedisObserver, stream, cuts) == counted


@pytest.mark.parametrize("observer", [PostgresObserver, RedisObserver])
@given(stream=st.binary(max_size=200), cuts=CUTS)
def test_nonsense_is_counted_alike_however_it_is_cut_or_refused(
    observer: Callable[[Tally], Observer], stream: bytes, cuts: list[int]
) -> None:
    results = []
    for borders in ([], cuts):
        try:
            results.append(count(observer, stream, borders))
        except ValueError:
            results.append(-1)
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("observer", "stream"),
    [
        (PostgresObserver, bytes(4) + SSL_REQUEST.to_bytes(4)),
        (PostgresObserver, startup(PROTOCOL_3) + b"Q" + bytes(4)),
        (RedisObserver, b"*1\r\n$-1000\r\n"),
        (RedisObserver, b"*many\r\n$1\r\nx\r\n"),
    ],
    ids=["empty opening", "empty message", "negative size", "no number"],
)
def test_a_hostile_client_cannot_hold_the_grader_up(
    observer: Callable[[Tally], Observer], stream: bytes
) -> None:
    """Taking these off the buffer would not shorten it: the observer would never come back."""
    with pytest.raises(ValueError, match=r"."):
        count(observer, stream)


@pytest.mark.parametrize("opening", [SSL_REQUEST, GSS_REQUEST])
def test_a_client_may_ask_for_encryption_first(opening: int) -> None:
    stream = startup(opening) + startup(PROTOCOL_3) + message("Q", b"SELECT 1\0")
    assert count(PostgresObserver, stream) == 1


def test_a_cancel_request_is_no_statement() -> None:
    assert count(PostgresObserver, startup(CANCEL_REQUEST, bytes(8))) == 0


def test_a_prepared_statement_counts_each_time_it_runs_and_not_when_it_is_prepared() -> None:
    run = message("B", b"\0") + message("E", b"\0") + message("S", b"")
    stream = startup(PROTOCOL_3) + message("P", b"SELECT 1\0") + run * 3
    assert count(PostgresObserver, stream) == 3


def test_an_incomplete_statement_does_not_count_yet() -> None:
    stream = startup(PROTOCOL_3) + message("Q", b"SELECT 1\0")
    assert [count(PostgresObserver, stream[:-1]), count(PostgresObserver, stream)] == [0, 1]


@pytest.mark.parametrize(
    ("stream", "commands"),
    [
        (b"GET key\r\n", 1),
        (b"PING\r\n", 0),
        (b"\r\n", 0),
        (b"*0\r\n", 0),
        (b"*-1\r\n", 0),
        (command(b"SET", b"key", b"*3\r\n$3\r\nGET\r\n"), 1),
        (command(b"SET", b"key", bytes(100_000)) + command(b"GET", b"key"), 2),
    ],
    ids=["inline", "inline ping", "blank", "no words", "null", "a value like a command", "long"],
)
def test_redis_counts(stream: bytes, commands: int) -> None:
    assert count(RedisObserver, stream) == commands


def test_several_connections_share_one_tally() -> None:
    tally = Tally()
    for _ in range(3):
        RedisObserver(tally).feed(command(b"GET", b"key"))
    assert tally.count == 3
