"""Answers made to hang, flood or fool the grader's client, over raw sockets."""

import gzip
import itertools
import json
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from xml.etree import ElementTree

import pytest
from anyio.from_thread import start_blocking_portal

from graders.client import Call, Client
from graders.errors import CheckFailed
from graders.sandbox import HostNetwork
from tests.adversarial.conftest import Grade

TIMEOUT_S = 1.0
DEADLINE_S = 15.0  # far beyond TIMEOUT_S, far below what an endless answer takes
MEMORY_BYTES = 64 << 20
OK = b"HTTP/1.1 200 OK\r\n"
GRADER_BYTES = 400 << 20
MIB = b"x" * (1 << 20)

Script = Callable[[socket.socket], None]


class HostileServer:
    """Answers every request with a script, which ends when the client has gone away."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.threads.append(threading.Thread(target=self._answer, args=(connection,)))
                self.threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while connection.recv(1 << 16):
                self.requests += 1
                self.script(connection)
                connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive(), "the client keeps its connection open"


@pytest.fixture
def serve() -> Iterator[Callable[[Script], HostileServer]]:
    servers: list[HostileServer] = []

    def start(script: Script) -> HostileServer:
        servers.append(HostileServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def client() -> Iterator[Client]:
    with start_blocking_portal() as portal:
        client = Client(portal, HostNetwork())
        yield client
        client.close()


def says(*parts: bytes) -> Script:
    return lambda connection: connection.sendall(b"".join(parts))


def drips(start: bytes, drop: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(drop)
            time.sleep(0.1)

    return script


def floods(start: bytes, wave: bytes) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(wave)

    return script


def floods_with_headers(connection: socket.socket) -> None:
    connection.sendall(OK)
    for number in itertools.count():
        connection.sendall(b"".join(b"X-%d-%d: y\r\n" % (number, one) for one in range(1000)))


def is_silent(connection: socket.socket) -> None:
    connection.recv(1)  # ends when the client has gone


def resets(connection: socket.socket) -> None:
    connection.sendall(OK)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


UNFINISHED: dict[str, tuple[Script, str]] = {
    "no answer": (is_silent, "not complete after 1.0 s, 0 bytes"),
    "drip of headers": (drips(OK + b"X-Drip: ", b"x"), "not complete after 1.0 s"),
    "drip of body": (drips(OK + b"Content-Length: 999\r\n\r\n", b"x"), "bytes of body so far"),
    "endless body": (floods(OK + b"\r\n", MIB), "a body over 10 MiB"),
    "endless chunks": (
        floods(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MIB + b"\r\n"),
        "a body over 10 MiB",
    ),
    "endless tiny chunks": (
        floods(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
        "",
    ),
    "endless chunk extension": (
        floods(OK + b"Transfer-Encoding: chunked\r\n\r\n1;x=", MIB),
        "",
    ),
    "endless trailers": (
        floods(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 10_000),
        "",
    ),
    "endless header": (floods(OK + b"X-Long: ", MIB), ""),
    "flood of headers": (floods_with_headers, ""),
    "flood of 100 Continue": (floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), ""),
    "no HTTP": (says(b"\x00\xffhello\r\n\r\n"), "Bad status line"),
    "strange version": (says(b"HTTP/9.9 banana\r\n\r\n"), ""),
    "closed at once": (says(), "Disconnected"),
    "closed within the body": (says(OK, b"Content-Length: 99\r\n\r\nhalf"), "PayloadError"),
    "closed within a chunk": (
        says(OK, b"Transfer-Encoding: chunked\r\n\r\nff\r\nhalf"),
        "PayloadError",
    ),
    "garbage for a chunk": (says(OK, b"Transfer-Encoding: chunked\r\n\r\nfish\r\n"), ""),
    "a chunk of negative size": (says(OK, b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx"), ""),
    "a chunk of absurd size": (
        says(OK, b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"),
        "",
    ),
    "negative length": (says(OK, b"Content-Length: -1\r\n\r\nbody"), ""),
    "two lengths": (says(OK, b"Content-Length: 2\r\nContent-Length: 9\r\n\r\nbody"), ""),
    "reset": (resets, ""),
}


@pytest.mark.parametrize(("script", "words"), UNFINISHED.values(), ids=UNFINISHED)
def test_no_complete_answer_fails_the_check_in_time_and_in_little_memory(
    client: Client, serve: Callable[[Script], HostileServer], script: Script, words: str
) -> None:
    server = serve(script)
    tracemalloc.start()
    started_s = time.monotonic()
    with pytest.raises(CheckFailed) as failure:
        client.send(server.url, Call("GET", "/hello"), TIMEOUT_S)
    elapsed_s = time.monotonic() - started_s
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    feedback = failure.value.feedback
    assert feedback.expected == "a complete answer within 1 s"
    assert words in feedback.got
    assert 0 < len(feedback.got) < 1000
    assert feedback.where == f"curl -i {server.url}/hello"
    assert elapsed_s < DEADLINE_S
    assert peak_bytes < MEMORY_BYTES


WORTHLESS: dict[str, bytes] = {
    "nothing": b"",
    "half a document": b'{"greeting": "hel',
    "two documents": b"{} {}",
    "deeply nested": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "NaN": b'{"clicks": NaN}',
    "Infinity": b"-Infinity",
    "a huge number": b'{"clicks": ' + b"9" * 100_000 + b"}",
    "not UTF-8": b'{"greeting": "caf\xe9"}',
    "gzip though nobody asked": gzip.compress(b"0" * (64 << 20)),
}


@pytest.mark.parametrize("body", WORTHLESS.values(), ids=WORTHLESS)
def test_a_body_that_is_no_json_fails_the_check_with_the_request(
    client: Client, serve: Callable[[Script], HostileServer], body: bytes
) -> None:
    kind = b"Content-Encoding: gzip\r\n" if body.startswith(b"\x1f\x8b") else b""
    server = serve(says(OK, kind, b"Content-Length: %d\r\n\r\n" % len(body), body))
    tracemalloc.start()
    answer = client.send(server.url, Call("GET", "/hello"), DEADLINE_S)
    with pytest.raises(CheckFailed) as failure:
        answer.json()
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.body == body
    assert failure.value.feedback.expected == "a JSON body"
    assert failure.value.feedback.where == f"curl -i {server.url}/hello"
    assert len(failure.value.feedback.got) < 1000
    assert peak_bytes < MEMORY_BYTES


def test_a_redirect_loop_is_not_followed(
    client: Client, serve: Callable[[Script], HostileServer]
) -> None:
    server = serve(says(b"HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n"))
    answer = client.send(server.url, Call("GET", "/hello"), DEADLINE_S)
    with pytest.raises(CheckFailed, match="302, Location: /hello"):
        answer.expect(200, "it was asked for")
    assert server.requests == 1


def test_bytes_beyond_the_announced_length_are_not_taken_for_the_next_answer(
    client: Client, serve: Callable[[Script], HostileServer]
) -> None:
    smuggled = OK + b"Content-Length: 8\r\n\r\nsmuggled"
    server = serve(says(OK, b"Content-Length: 2\r\n\r\n{}", smuggled))
    answers = [client.try_send(server.url, Call("GET", "/hello"), TIMEOUT_S) for _ in range(3)]
    assert {answer.body for answer in answers} <= {b"{}", b""}


def test_one_hostile_answer_holds_up_no_other_request(
    client: Client, serve: Callable[[Script], HostileServer]
) -> None:
    bad = serve(drips(OK + b"Content-Length: 999\r\n\r\n", b"x"))
    good = serve(says(OK, b"Content-Length: 2\r\n\r\n{}"))
    call = Call("GET", "/hello")
    targets = [(bad.url, call), (good.url, call)] * 4
    answers = client.send_all(targets, concurrency=8, timeout_s=TIMEOUT_S)
    assert [answer.status for answer in answers] == [0, 200] * 4
    assert all("not complete" in str(answer.error) for answer in answers[::2])


STUBBORN = {
    "endless body": """
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x" * (1 << 20))
""",
    "drip of body": """
        self.send_response(200)
        self.send_header("Content-Length", "999")
        self.end_headers()
        while True:
            self.wfile.write(b"x")
            time.sleep(0.1)
""",
    "what no terminal and no XML can take": r"""
        body = rb'{"greeting": "\ud800 \u0000 \u001b[31m \uffff"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
""",
    "a list": """
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"[1,2,3]")
""",
    "a redirect in Latin-1": """
        self.send_response(302)
        self.send_header("Location", "/caf\\u00e9")
        self.send_header("Content-Length", "0")
        self.end_headers()
""",
}


@pytest.mark.parametrize("answer", STUBBORN.values(), ids=STUBBORN)
def test_a_whole_grade_outlives_a_hostile_answer_and_shows_the_request(
    hostile: Callable[..., Grade], answer: str
) -> None:
    app = f"""
import time, good
class Hostile(good.Greeter):
    def do_GET(self):
        if self.path == "/healthz":
            return super().do_GET()
{answer}
good.serve(Hostile)
"""
    done = hostile(files={"app.py": app})
    done.assert_fault_of("submission", "/hello")
    assert "curl -i http://127.0.0.1:" in done.output
    assert "\x1b" not in done.output
    assert "\0" not in done.output
    assert done.peak_bytes < GRADER_BYTES
    written = done.run.home / "attempts/lab" / done.report["attempt"]
    ElementTree.parse(written / "junit.xml")
    for name in ("results.json", "ctrf.json"):
        json.loads((written / name).read_bytes())
