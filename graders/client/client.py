"""The HTTP client, which trusts no answer.

Every request has one deadline over all of it (drips don't reset it), a cap on the body, no
redirects, no decompression, nothing from the environment.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
from anyio.from_thread import BlockingPortal
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from graders.client.calls import Answer, Call
from graders.sandbox import Network

BODY_LIMIT_BYTES = 10 << 20
CHECK_RESERVE_S = 1.0
IDLE_CONNECTION_S = 2.0
CHUNKED, PIECE_BYTES = ("Transfer-Encoding", "chunked"), 1 << 16
MOST_UNANSWERED = 100
NO_HEADERS: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


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
