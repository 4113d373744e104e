"""The grader's HTTP client: trusts no answer, and shows each as a `curl` line.

Every request has one deadline over all of it (drips don't reset it), a cap on the body, no
redirects, no decompression, nothing from the environment.
"""

import asyncio
import json
import shlex
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import aiohttp
from anyio.from_thread import BlockingPortal
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from graders.errors import CheckFailed
from graders.ledger import LEDGER
from graders.model import Exchange, Feedback, exchange
from graders.sandbox import Network

BODY_LIMIT_BYTES = 10 << 20
SHOWN_BODY_CHARACTERS = 300
CHECK_RESERVE_S = 1.0
IDLE_CONNECTION_S = 2.0
CHUNKED, PIECE_BYTES = ("Transfer-Encoding", "chunked"), 1 << 16
LONGEST_SHOWN_CONTENT, SHOWN_CONTENT = 4000, 200
MOST_UNANSWERED = 100
NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


@dataclass(frozen=True)
class Call:
    """A request to be sent; `json` is serialised, `content` sent as it is.

    With the header `Transfer-Encoding: chunked` the content goes in pieces, without its length.
    """

    method: str
    path: str
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | str | None = None

    @property
    def body(self) -> bytes:
        """The bytes of the content, whichever way it was given."""
        content = json.dumps(self.json) if self.json is not None else self.content or b""
        return content.encode() if isinstance(content, str) else content

    def curl(self, base_url: str) -> str:
        """Return a line for the shell that repeats this request."""
        words = ["curl", "-i"]
        if self.method != "GET":
            words += ["-X", self.method]
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {value}"]
        if self.json is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(self.json)]
        elif self.content is not None:
            text = self.content if isinstance(self.content, str) else self.content.decode("latin-1")
            if len(text) > LONGEST_SHOWN_CONTENT:
                line = shlex.join([*words, "--data-binary", "@-", base_url + self.path])
                return f"{_printing(text)} | {line}"
            words += ["--data-binary", text]
        return shlex.join([*words, base_url + self.path])


def _printing(text: str) -> str:
    """Return a command that prints a long text; one that is no repetition is cut, and says so."""
    if text == text[0] * len(text):
        return shlex.join(["python3", "-c", f"print({text[0]!r} * {len(text)}, end='')"])
    return shlex.join(["echo", f"{text[:SHOWN_CONTENT]}… ({len(text)} characters)"])


@dataclass(frozen=True)
class Answer:
    """What came back; an unanswered request has status 0 and says why in `error`.

    It was sent at `started_s` of `time.monotonic()`.
    """

    call: Call
    base_url: str
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    elapsed_s: float
    error: str | None = None
    started_s: float = 0.0

    @property
    def text(self) -> str:
        """The body as UTF-8, unreadable bytes replaced."""
        return self.body.decode(errors="replace")

    @property
    def curl(self) -> str:
        """A line for the shell that repeats the request."""
        return self.call.curl(self.base_url)

    @property
    def exchange(self) -> Exchange:
        """Request and answer, cut to what a report can hold."""
        call, typed = self.call, {"Content-Type": "application/json"}
        asked = (call.headers if call.json is None else {**typed, **call.headers}, call.body)
        answered, url = (self.headers, self.body), self.base_url + call.path
        elapsed_s, error = self.elapsed_s, self.error or ""
        return exchange(call.method, url, asked, self.status, answered, elapsed_s, error)

    def json(self) -> Any:
        """Return the parsed body; a body that is no JSON is the learner's failure."""
        try:
            return json.loads(self.body, parse_constant=_refuse)
        except RecursionError:
            self.fail("a JSON body", "JSON nested too deep to read")
        except ValueError:
            self.fail("a JSON body", str(self))

    def expect(self, status: int | set[int], why: str, next_step: str = "") -> "Answer":
        """Demand a status; `why` completes "because", as in "it was never given out"."""
        LEDGER.reached()
        wanted = {status} if isinstance(status, int) else status
        if self.status not in wanted:
            numbers = " or ".join(str(one) for one in sorted(wanted))
            self.fail(f"{numbers}, because {why}", str(self), next_step)
        return self

    def fail(self, expected: str, got: str, next_step: str = "") -> Any:
        """Raise the failure with this request in it."""
        raise CheckFailed(Feedback(expected, got, self.curl, next_step, exchange=self.exchange))

    def __str__(self) -> str:
        if self.error:
            return f"no answer: {self.error}"
        shown = self.text[:SHOWN_BODY_CHARACTERS]
        more = "…" if len(self.text) > SHOWN_BODY_CHARACTERS else ""
        location = f", Location: {self.headers['location']}" if "location" in self.headers else ""
        return f"{self.status}{location}" + (f" with body {shown}{more}" if shown else "")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")  # only Python takes NaN and Infinity for numbers


class Client:
    """Sends requests from an event loop of its own into a network; used from one thread.

    `unanswered` are requests of this check that got no answer, the first MOST_UNANSWERED of them.
    """

    def __init__(self, portal: BlockingPortal, network: Network) -> None:
        self.unanswered: list[Answer] = []
        self._portal = portal
        self._deadline_s = float("inf")
        self._http = portal.call(_new_http_session, network)

    def close(self) -> None:
        """Close every connection."""
        self._portal.call(self._http.close)

    def begin_check(self, budget_s: float) -> None:
        """Let all requests from now on end within `budget_s`, so a slow service fails its check."""
        self._deadline_s = time.monotonic() + budget_s - CHECK_RESERVE_S
        self.unanswered = []

    def send(self, base_url: str, call: Call, timeout_s: float) -> Answer:
        """Send one request; no complete answer in time is the learner's failure."""
        answer = self.try_send(base_url, call, timeout_s)
        if answer.error:
            answer.fail(f"a complete answer within {timeout_s:g} s", answer.error)
        return answer

    def try_send(self, base_url: str, call: Call, timeout_s: float) -> Answer:
        """Send one request; without a complete answer the status is 0."""
        return self._portal.call(self._send, base_url, call, self._bounded(timeout_s))

    def send_all(
        self, targets: Sequence[tuple[str, Call]], concurrency: int, timeout_s: float
    ) -> list[Answer]:
        """Send many requests, `concurrency` at a time; answers in order, see `try_send`."""
        return self._portal.call(self._send_all, targets, concurrency, timeout_s)

    async def _send_all(
        self, targets: Sequence[tuple[str, Call]], concurrency: int, timeout_s: float
    ) -> list[Answer]:
        gate = asyncio.Semaphore(concurrency)

        async def one(base_url: str, call: Call) -> Answer:
            async with gate:
                return await self._send(base_url, call, self._bounded(timeout_s))

        return await asyncio.gather(*(one(base_url, call) for base_url, call in targets))

    def _bounded(self, timeout_s: float) -> float:
        return max(0.001, min(timeout_s, self._deadline_s - time.monotonic()))

    async def _send(self, base_url: str, call: Call, timeout_s: float) -> Answer:
        started_s = time.monotonic()
        status, headers, body, error = 0, NO_HEADERS, bytearray(), None
        try:
            async with asyncio.timeout(timeout_s), self._request(base_url, call) as response:
                headers = response.headers
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > BODY_LIMIT_BYTES:
                        raise aiohttp.ClientPayloadError(
                            f"a body over {BODY_LIMIT_BYTES >> 20} MiB"
                        )
                status = response.status
        except TimeoutError:
            error = f"not complete after {timeout_s:.1f} s, {len(body)} bytes of body so far"
        except (aiohttp.ClientError, ValueError, OSError) as reason:
            error = f"{type(reason).__name__}: {reason}" if str(reason) else type(reason).__name__
        elapsed_s = time.monotonic() - started_s
        whole = bytes(body)
        answer = Answer(call, base_url, status, headers, whole, elapsed_s, error, started_s)
        if error and len(self.unanswered) < MOST_UNANSWERED:
            self.unanswered.append(answer)
        return answer

    def _request(self, base_url: str, call: Call) -> Any:
        headers, content = dict(call.headers), call.content
        if content is not None and headers.get(CHUNKED[0], "").lower() == CHUNKED[1]:
            del headers[CHUNKED[0]]  # aiohttp says so itself of a body that comes in pieces
            content = _pieces(call.body)  # type: ignore[assignment]
        return self._http.request(
            call.method,
            URL(base_url + call.path, encoded=True),
            json=call.json,
            data=content,
            headers=headers,
            allow_redirects=False,
        )


async def _pieces(whole: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(whole), PIECE_BYTES):
        yield whole[start : start + PIECE_BYTES]


async def _new_http_session(network: Network) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers={"Accept-Encoding": "identity", "User-Agent": "curl/8.0"},
        timeout=aiohttp.ClientTimeout(total=None),  # one deadline over the whole request is kept
        # Servers close idle connections after some seconds (uvicorn after 5); a request sent at
        # that moment would be lost, and the service blamed. So ours are closed sooner.
        connector=aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=IDLE_CONNECTION_S,
            socket_factory=lambda _address: network.socket(),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
