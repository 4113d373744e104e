"""The way to a service, cut, slowed down and black-holed, and healed again."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from graders.sandbox import HostNetwork
from graders.services.proxy import Proxy
from graders.stand import Link

TICK_S = 0.3
HOST = HostNetwork()


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while chunk := self.request.recv(1 << 16):
                self.request.sendall(chunk)


@pytest.fixture(scope="module")
def echo_port() -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, request_queue_size = True, 256

    with Server(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def link(portal: BlockingPortal, echo_port: int) -> Iterator[Link]:
    link = Link(portal, Proxy(("127.0.0.1", echo_port), HOST, HOST))
    yield link
    link.close()


@pytest.fixture
def connect(link: Link) -> Iterator[Callable[[], socket.socket]]:
    with contextlib.ExitStack() as stack:
        address = ("127.0.0.1", link.port)
        yield lambda: stack.enter_context(socket.create_connection(address, timeout=30))


def echoes(connection: socket.socket, message: bytes = b"hello") -> bool:
    """Say if a message comes back whole; False when the connection is dead."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(message)
        answer = b""
        while len(answer) < len(message):
            if not (chunk := connection.recv(1 << 16)):
                return False
            answer += chunk
        return answer == message
    return False


def hears_nothing(connection: socket.socket, seconds: float = TICK_S) -> bool:
    connection.settimeout(seconds)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(30)
    return False


def refused(link: Link) -> bool:
    try:
        socket.create_connection(("127.0.0.1", link.port), timeout=30).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_link_forwards_everything(connect: Callable[[], socket.socket]) -> None:
    assert echoes(connect())
    assert echoes(connect(), bytes(range(256)) * 20_000)


def test_a_cut_ends_open_connections_and_refuses_new_ones_until_healed(
    link: Link, connect: Callable[[], socket.socket]
) -> None:
    before = connect()
    assert echoes(before)
    with link.cut():
        assert not echoes(before)
        assert refused(link)
    assert not echoes(before)
    assert echoes(connect())


def test_a_delay_holds_back_each_answer_until_healed(
    link: Link, connect: Callable[[], socket.socket]
) -> None:
    connection = connect()
    assert echoes(connection)
    with link.delay(TICK_S):
        started_s = time.monotonic()
        assert echoes(connection)
        assert time.monotonic() - started_s >= TICK_S
    connection.sendall(b"quick")
    assert not hears_nothing(connection, seconds=30)


def test_a_black_hole_accepts_and_says_nothing_until_healed(
    link: Link, connect: Callable[[], socket.socket]
) -> None:
    before = connect()
    assert echoes(before)
    with link.black_hole():
        during = connect()
        for connection in (before, during):
            connection.sendall(b"x")
            assert hears_nothing(connection)
    for connection in (before, during):
        assert connection.recv(1) == b"x"
        assert echoes(connection)


@pytest.mark.parametrize("inner", ["cut", "black_hole", "delay"])
def test_the_outer_of_two_faults_lasts_until_its_own_end(
    link: Link, connect: Callable[[], socket.socket], inner: str
) -> None:
    def fault(name: str) -> Any:
        return link.delay(TICK_S) if name == "delay" else getattr(link, name)()

    with link.cut():
        with fault(inner):
            pass
        assert refused(link)
    with link.black_hole():
        with fault(inner):
            pass
        connection = connect()
        connection.sendall(b"x")
        assert hears_nothing(connection)
    with link.delay(TICK_S):
        with fault(inner):
            pass
        connection = connect()
        started_s = time.monotonic()
        assert echoes(connection)
        assert time.monotonic() - started_s >= TICK_S
    assert echoes(connect())


def test_a_fault_is_healed_when_the_check_fails_in_it(
    link: Link, connect: Callable[[], socket.socket]
) -> None:
    for fault in (link.cut(), link.black_hole(), link.delay(60)):
        with contextlib.suppress(AssertionError), fault:
            raise AssertionError
        assert echoes(connect())


def test_many_connections_pass_and_are_cut_at_once(
    link: Link, connect: Callable[[], socket.socket]
) -> None:
    connections = [connect() for _ in range(200)]
    for number, connection in enumerate(connections):
        connection.sendall(b"%06d" % number)
    answers = [connection.recv(6) for connection in connections]
    assert answers == [b"%06d" % number for number in range(200)]
    with link.cut():
        assert not any(echoes(connection) for connection in connections)


def test_a_service_that_is_away_looks_like_a_cut(portal: BlockingPortal) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        link = Link(portal, Proxy(nobody.getsockname(), HOST, HOST))
        with socket.create_connection(("127.0.0.1", link.port), timeout=30) as connection:
            assert not echoes(connection)
        link.close()
    assert refused(link)
