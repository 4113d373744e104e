"""Servers the grader plays: they keep what they are asked, and answer what they are told to."""

import http.client
from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal

from graders.client import Call, Client
from graders.sandbox import HostNetwork
from graders.stand import Asked, Listener, Reply


@pytest.fixture
def listen(portal: BlockingPortal) -> Iterator[Callable[[Callable[[Asked], Reply]], Listener]]:
    started: list[Listener] = []

    def start(answer: Callable[[Asked], Reply]) -> Listener:
        started.append(Listener(portal, HostNetwork(), answer))
        return started[-1]

    yield start
    for one in started:
        one.close()


def ask(listener: Listener, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=30)
    try:
        connection.request(method, target, body, {"X-Mark": "yes"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_listener_keeps_what_it_was_asked(listen: Callable[..., Listener]) -> None:
    listener = listen(lambda asked: Reply(201, asked.body.upper()))
    assert ask(listener, "POST", "/a?b=%20", b"hello") == (201, b"HELLO")
    (asked,) = listener.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/a?b=%20", b"hello")
    assert asked.headers["x-mark"] == "yes"


def test_a_listener_serves_as_a_proxy(listen: Callable[..., Listener]) -> None:
    listener = listen(lambda _asked: Reply(204))
    whole = "http://192.0.2.1:8080/x?y"
    assert ask(listener, "POST", whole)[0] == 204
    assert [one.target for one in listener.asked] == [whole]


def test_a_body_goes_in_pieces_when_the_call_says_so(
    portal: BlockingPortal, listen: Callable[..., Listener]
) -> None:
    listener, client = listen(lambda _asked: Reply()), Client(portal, HostNetwork())
    for headers in ({}, {"Transfer-Encoding": "chunked"}):
        client.send(listener.url, Call("POST", "/", None, headers, b"x" * 200_000), 30.0)
    client.close()
    whole, pieces = listener.asked
    assert (whole.body, whole.headers["content-length"]) == (pieces.body, "200000")
    assert "content-length" not in pieces.headers
    assert pieces.headers["transfer-encoding"] == "chunked"


def test_a_closed_listener_refuses(listen: Callable[..., Listener]) -> None:
    listener = listen(lambda _asked: Reply())
    listener.close()
    with pytest.raises(OSError, match="refused"):
        ask(listener, "GET", "/")
