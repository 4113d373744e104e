"""Hearing from Redis what other replicas wrote to, and noticing when one hears nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

CHANNEL = "written"
PING_EVERY_S = 0.2
# Others may see a write a second late: silence has to be noticed well before that.
BELIEVED_FOR_S = 0.7
RETRY_S = 0.2


class Hearing:
    """Subscribed to the channel of writes; an answer to a ping proves that it was at that time.

    Messages come in order: when a ping is answered, all that was said before it has been heard.
    """

    def __init__(
        self, redis_url: str, heard: Callable[[str], None], missed: Callable[[], None]
    ) -> None:
        # It must not connect again by itself: we have to know that something may have been missed.
        self._redis: Redis = Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0))
        self._heard, self._missed = heard, missed
        self._proven_at_s = float("-inf")

    def is_live(self) -> bool:
        """Whether a write would have been heard of."""
        return time.monotonic() - self._proven_at_s < BELIEVED_FOR_S

    async def listen(self) -> None:
        """Listen for ever, connecting anew whenever that is needed."""
        while True:
            try:
                await self._listen_once()
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()

    async def _listen_once(self) -> None:
        async with self._redis.pubsub() as channel:
            async with asyncio.timeout(BELIEVED_FOR_S):
                await channel.subscribe(CHANNEL)
            self._missed()
            while True:
                await channel.ping(str(time.monotonic()))
                await self._take_messages(channel, until_s=time.monotonic() + PING_EVERY_S)

    async def _take_messages(self, channel: PubSub, until_s: float) -> None:
        while (left_s := until_s - time.monotonic()) > 0:
            message = await channel.get_message(timeout=left_s)
            if message and message["type"] == "message":
                self._heard(message["data"].decode())
            elif message and message["type"] == "pong":
                self._proven_at_s = float(message["data"])
