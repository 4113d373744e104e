"""The codes deleted lately, told by PostgreSQL to every replica."""

from __future__ import annotations

import asyncio
import logging
import time

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import SQLAlchemyError

from cache import LIVE_TTL_S
from store import GONE_CHANNEL, Store

# Longer than Redis may keep what a slow reader puts there after the deletion.
KEEP_S = LIVE_TTL_S + 60
RECONNECT_S = 0.2
# A connection that died without a word is noticed after this many seconds, not after hours.
KEEPALIVE = {
    "connect_timeout": 3,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}

log = logging.getLogger(__name__)


class Gone:
    """Deleted codes that Redis may still hold as living ones."""

    # The cache is never told of deletions. Whatever it says of a code, this list is asked
    # first, and it reaches every replica also when Redis cannot be reached.

    def __init__(self, database_url: str, store: Store) -> None:
        self._database_url = database_url
        self._store = store
        self._until_s: dict[str, float] = {}
        self.listening = asyncio.Event()

    def __contains__(self, code: str) -> bool:
        return code in self._until_s

    def add(self, code: str) -> None:
        """Remember a code, and forget those that no cache can hold any more."""
        now_s = time.monotonic()
        self._until_s = {old: until_s for old, until_s in self._until_s.items() if until_s > now_s}
        self._until_s[code] = now_s + KEEP_S

    async def listen(self) -> None:
        """Follow the deletions of all replicas, for ever."""
        while True:
            try:
                await self._listen_once()
            except (psycopg.Error, SQLAlchemyError, OSError) as error:
                log.warning("not hearing of deletions, connecting again: %s", error)
            await asyncio.sleep(RECONNECT_S)

    async def _listen_once(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            make_conninfo(self._database_url, **KEEPALIVE), autocommit=True
        ) as connection:
            await connection.execute(f"LISTEN {GONE_CHANNEL}")
            # After LISTEN, so that no deletion falls between the two.
            for code in await self._store.deleted_lately(KEEP_S):
                self.add(code)
            self.listening.set()
            async for notice in connection.notifies():
                self.add(notice.payload)
