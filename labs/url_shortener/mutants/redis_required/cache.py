"""Redis beside the truth: it makes redirects cheap and may vanish at any moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

# It has to answer, so it is given time: a busy machine is no reason to refuse a link.
TIMEOUT_S = 2.0
MAX_CONNECTIONS = 20
LIVE_TTL_S = 300
# Long enough to spare the database a flood of one wrong code, short enough that an import
# or a creation of which Redis did not hear is seen at once.
UNKNOWN_TTL_S = 1
# With a colon, which no code has.
BLOCK_COUNTER = "blocks:last"

# "gone" is final. A reader who fetched the row before it was deleted, or the creator of the
# link, may come here late, and must not bring the link back.
PUT_UNLESS_GONE = """
if redis.call('GET', KEYS[1]) ~= 'gone' then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
"""


class Missing(Enum):
    """Why a code leads nowhere."""

    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Live:
    """Where a code leads, and until when (seconds since 1970; 0 is for ever)."""

    location: str
    expires_s: float

    def left_s(self) -> float:
        """How long the link still lives."""
        return self.expires_s - time.time() if self.expires_s else float("inf")


Entry = Live | Missing


class Cache:
    """What Redis knows of codes; a Redis that is away knows nothing and costs next to nothing."""

    def __init__(self, redis_url: str) -> None:
        # A burst beyond these connections waits for one; it is no sign of a sick Redis.
        pool = BlockingConnectionPool.from_url(
            redis_url,
            decode_responses=True,
            retry=Retry(NoBackoff(), 1),
            max_connections=MAX_CONNECTIONS,
            timeout=None,
        )
        self._redis = Redis(connection_pool=pool)
        # Codes of which Redis must still hear that they are gone.
        self._untold: set[str] = set()

    async def get(self, code: str) -> Entry | None:
        """What Redis says of a code, None if nothing."""
        if code in self._untold:
            return Missing.GONE
        text = await self._ask("GET", code)
        return None if text is None else _read(text)

    async def put(self, code: str, entry: Entry) -> None:
        """Remember what PostgreSQL said of a code."""
        if isinstance(entry, Live):
            ttl_ms = int(min(entry.left_s(), LIVE_TTL_S) * 1000)
            if ttl_ms > 0:
                await self._ask("EVAL", PUT_UNLESS_GONE, 1, code, _write(entry), ttl_ms)
        elif entry is Missing.UNKNOWN:
            await self._ask("SET", code, entry.value, "EX", UNKNOWN_TTL_S, "NX")
        else:
            await self._ask("SET", code, entry.value, "EX", LIVE_TTL_S)

    async def put_gone(self, codes: Iterable[str]) -> None:
        """Tell Redis that codes are gone, at the latest when it can be reached again."""
        self._untold.update(codes)
        await self.tell()

    async def tell(self) -> None:
        """Hand on what Redis missed; to be called again and again."""
        # Redis may be out of reach while a link is deleted and come back with its living
        # entry. Only what Redis has heard of may be forgotten here.
        for code in list(self._untold):
            try:
                await self._command("SET", code, Missing.GONE.value, "EX", LIVE_TTL_S)
            except (RedisError, OSError, TimeoutError):
                return
            self._untold.discard(code)

    async def next_block(self) -> int | None:
        """The number of a block that is probably free; None if Redis is away."""
        block = await self._ask("INCR", BLOCK_COUNTER)
        return None if block is None else int(block)

    async def set_block(self, block: int) -> None:
        """Let the counter go on from a block that is taken."""
        await self._ask("SET", BLOCK_COUNTER, block)

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()

    async def _ask(self, *words: str | int) -> Any:
        """The answer to a command."""
        return await self._command(*words)

    async def _command(self, *words: str | int) -> Any:
        async with asyncio.timeout(TIMEOUT_S):
            return await self._redis.execute_command(*words)  # type: ignore[no-untyped-call]


def _read(text: str) -> Entry:
    expires, _, location = text.partition(" ")
    return Live(location, float(expires)) if location else Missing(text)


def _write(entry: Live) -> str:
    return f"{entry.expires_s} {entry.location}"
