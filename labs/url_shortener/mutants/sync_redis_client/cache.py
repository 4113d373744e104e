"""Redis beside the truth: it makes redirects cheap and may vanish at any moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from breaker import Breaker

TIMEOUT_S = 3
LIVE_TTL_S = 120
# Long enough to spare the database a flood of one wrong code, short enough that an import
# or a creation of which Redis did not hear is seen at once.
UNKNOWN_TTL_S = 1


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
        self._redis = Redis.from_url(
            redis_url, decode_responses=True, retry=Retry(NoBackoff(), 1), socket_timeout=TIMEOUT_S
        )
        self._breaker = Breaker()

    async def get(self, code: str) -> Entry | None:
        """What Redis says of a code, None if nothing."""
        text = await self._ask("GET", code)
        return None if text is None else _read(text)

    async def put(self, code: str, entry: Entry) -> None:
        """Remember what PostgreSQL said of a code."""
        if isinstance(entry, Live):
            ttl_ms = int(min(entry.left_s(), LIVE_TTL_S) * 1000)
            if ttl_ms > 0:
                await self._ask("SET", code, _write(entry), "PX", ttl_ms)
        elif entry is Missing.GONE:
            await self._ask("SET", code, entry.value, "EX", LIVE_TTL_S)
        else:
            # Not over an entry: the link may have been created since the question was asked.
            await self._ask("SET", code, entry.value, "EX", UNKNOWN_TTL_S, "NX")

    async def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    async def _ask(self, *words: str | int) -> Any:
        """The answer to a command, or None when Redis is away, slow or being left alone."""
        if not self._breaker.allows():
            return None
        try:
            answer = self._redis.execute_command(*words)  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            self._breaker.failed()
            return None
        self._breaker.succeeded()
        return answer


def _read(text: str) -> Entry:
    expires, _, location = text.partition(" ")
    return Live(location, float(expires)) if location else Missing(text)


def _write(entry: Live) -> str:
    return f"{entry.expires_s} {entry.location}"
