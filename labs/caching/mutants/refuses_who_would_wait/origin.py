"""The slow origin: how it is asked, how long it is waited for, how many calls it gets at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

# The origin is slow: one call at a time is what it is spared with.
CALLS_AT_ONCE = 1
# Up to 2 s it is only slow.
CALL_TIMEOUT_S = 3.0


class OriginError(Exception):
    """The origin did not answer, or not with what it was asked for."""


@dataclass(frozen=True)
class Answer:
    """What the origin said: 404 is an answer, an error is none."""

    status: int
    body: bytes


class Origin:
    """A client of the origin that keeps to its limits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connections that all calls share."""
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
        self._http = aiohttp.ClientSession(timeout=timeout)

    async def close(self) -> None:
        """Give the connections back."""
        if self._http:
            await self._http.close()

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one call when it is its turn; who would have to wait is refused."""
        if self._turns.locked():
            raise OriginError("it is busy")
        await self._turns.acquire()
        try:
            answer = await self._send(method, path, headers or {}, body)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise OriginError(f"no answer: {type(error).__name__}") from error
        finally:
            self._turns.release()
        if answer.status >= 500:
            raise OriginError(f"it answered {answer.status}")
        return answer

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        assert self._http
        call = self._http.request(method, self._url + path, data=body, headers=dict(headers))
        async with call as response:
            return Answer(response.status, await response.read())
