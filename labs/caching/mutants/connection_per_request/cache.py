"""Redis beside the origin: entries, the generations that make them void, and locks.

A generation is a random word for a subject. It is drawn before the origin is asked and kept in the
entry; a write deletes it. So whatever was asked before the write does not fit any more, whenever it
comes, and deleting works also when Redis has no memory left.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from breaker import Breaker
from entries import Entry, unpacked
from questions import Question

# Shorter, and a process that got no turn for a moment would take that for a slow Redis.
TIMEOUT_S = 1.5
MAX_CONNECTIONS = 20
BREAKER_PAUSE_S = 0.3
# Longer than a call to the origin; and no longer, for who holds a lock may have died.
LOCK_MS = 3500
# Time enough to fetch the first entry, which then prolongs it.
DRAWN_MS = 10_000
UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"


class AwayError(Exception):
    """Redis does not answer, is too slow, or refuses."""


@dataclass(frozen=True)
class Found:
    """What Redis knows: an entry that is not void, and the generation of its subject."""

    entry: Entry | None
    generation: str | None


class Cache:
    """Every command the service knows; AwayError when Redis does not carry one out."""

    def __init__(self, redis_url: str) -> None:
        # A burst beyond these connections waits for one; it is no sign of a sick Redis.
        pool = BlockingConnectionPool.from_url(
            redis_url, retry=Retry(NoBackoff(), 1), max_connections=MAX_CONNECTIONS, timeout=None
        )
        self._redis, self._url = Redis(connection_pool=pool), redis_url
        self._breaker = Breaker(BREAKER_PAUSE_S, one_tries=True)

    async def find(self, question: Question) -> Found:
        """Look for an entry; for one that is void, only the generation is told."""
        value, word = await self._ask("MGET", _entry(question), _generation(question.subject))
        generation = word.decode() if word else None
        entry = unpacked(value) if value else None
        if entry and entry.generation != generation:
            entry = None
        return Found(entry, generation)

    async def draw(self, subject: str) -> str:
        """Return the subject's generation, drawn now if there is none."""
        key = _generation(subject)
        await self._ask("SET", key, secrets.token_hex(8), "NX", "PX", DRAWN_MS)
        word = await self._ask("GET", key)
        if word is None:
            raise AwayError("the generation was not kept")
        return str(word.decode())

    async def put(self, question: Question, entry: Entry) -> None:
        """Keep an entry, and its generation for at least as long."""
        await self._ask("PEXPIRE", _generation(question.subject), entry.kept_ms + DRAWN_MS)
        await self._ask("SET", _entry(question), entry.packed(), "PX", entry.kept_ms)

    async def lock(self, question: Question, generation: str) -> str | None:
        """Become the one who fetches; the token to unlock with, None if somebody else is."""
        token = secrets.token_hex(8)
        locked = await self._ask("SET", _lock(question, generation), token, "NX", "PX", LOCK_MS)
        return token if locked else None

    async def unlock(self, question: Question, generation: str, token: str) -> None:
        """Let others fetch, unless the lock has ended already and is somebody else's."""
        await self._ask("EVAL", UNLOCK, 1, _lock(question, generation), token)

    async def forget(self, subjects: Iterable[str], *, stubbornly: bool = False) -> None:
        """Make every entry about these subjects void; stubbornly: though Redis did not answer."""
        await self._ask("DEL", *map(_generation, subjects), stubbornly=stubbornly)

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()

    async def _ask(self, *words: str | int | bytes, stubbornly: bool = False) -> Any:
        if not stubbornly and not self._breaker.allows():
            raise AwayError("it is left alone for a moment")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                async with Redis.from_url(self._url) as redis:
                    answer = await redis.execute_command(*words)  # type: ignore[no-untyped-call]
        except ResponseError as error:  # it has no memory left, for example, but it is there
            raise AwayError(str(error)) from error
        except (RedisError, OSError, TimeoutError) as error:
            self._breaker.failed()
            raise AwayError(type(error).__name__) from error
        self._breaker.succeeded()
        return answer


def _entry(question: Question) -> str:
    return f"entry:{question.key}"


def _generation(subject: str) -> str:
    return f"generation:{subject}"


def _lock(question: Question, generation: str) -> str:
    # Of the generation: who reads after a write must not wait for somebody who began before it.
    return f"lock:{question.key}:{generation}"
