"""What the service does, apart from HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from background import repeat
from cache import LIVE_TTL_S, Cache, Entry, Live, Missing
from clicks import Clicks
from codes import Codes
from config import Config
from schemas import RESERVED, NewLink
from store import Link, Store
from urls import location

# Aliases and imported links may hold a code the counter comes to; a run of them this long
# does not happen by chance.
MAX_ATTEMPTS = 20
FLUSH_INTERVAL_S = 0.5
TELL_INTERVAL_S = 0.25


class AliasTakenError(Exception):
    """Somebody else has the alias."""


class NoCodeFoundError(Exception):
    """No free code turned up."""


class Shortener:
    """Links and their codes, over the store, the cache and the click counters."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._store = Store(config.database_url)
        self._cache = Cache(config.redis_url)
        self._clicks = Clicks(self._store)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._saving: set[asyncio.Task[Link | None]] = set()

    async def start(self) -> None:
        """Make the schema and begin the background work."""
        await self._store.create_schema()
        self._codes = Codes(await self._store.secret(), self._config.code_length)
        # A replica that was killed may have owed Redis a deletion.
        await self._cache.put_gone(await self._store.deleted_lately(LIVE_TTL_S))
        self._tasks = [
            asyncio.create_task(repeat(FLUSH_INTERVAL_S, self._clicks.flush, self._stopping)),
            asyncio.create_task(repeat(TELL_INTERVAL_S, self._cache.tell, self._stopping)),
        ]

    async def stop(self) -> None:
        """Write what is still in memory."""
        self._stopping.set()
        await asyncio.gather(*self._tasks, *self._saving)
        await self._cache.close()
        await self._store.close()

    async def create(self, new: NewLink) -> Link:
        """A new link under its alias or under a fresh code."""
        if new.alias is None:
            link = await self._insert_fresh_code(new)
        else:
            link = await self._insert_alias(new.alias, new)
        # Also overwrites an "unknown" that somebody's earlier question left in the cache.
        await self._cache.put(link.code, _entry(link))
        return link

    async def follow(self, code: str, *, count: bool) -> str | Missing:
        """Where a code leads now, counted as a click if wished."""
        entry = await self._cache.get(code)
        if entry is None:
            entry = _entry(await self._store.find(code))
            await self._cache.put(code, entry)
        if isinstance(entry, Missing):
            return entry
        if entry.left_s() <= 0:
            return Missing.GONE
        if count:
            self._clicks.add(code)
        return entry.location

    async def find(self, code: str) -> Link | Missing:
        """The link with its clicks."""
        link = await self._store.find(code)
        if link is None:
            return Missing.UNKNOWN
        if link.gone:
            return Missing.GONE
        return replace(link, clicks=await self._store.clicks(code))

    async def delete(self, code: str) -> Missing | None:
        """End a living link; for others, say why that cannot be."""
        deleted = await self._store.delete(code)
        if not deleted and await self._store.find(code) is None:
            return Missing.UNKNOWN
        # Also for a link that was gone already: whoever deleted it may have died before this.
        await self._cache.put_gone([code])
        return None if deleted else Missing.GONE

    async def _insert_alias(self, alias: str, new: NewLink) -> Link:
        link = await self._store.insert(alias, new.url, new.expires_in_s)
        if link is None:
            raise AliasTakenError
        return link

    async def _insert_fresh_code(self, new: NewLink) -> Link:
        for _ in range(MAX_ATTEMPTS):
            code = self._codes.code(await self._store.next_number())
            if code in RESERVED or await self._store.find(code) is not None:
                continue
            saving = asyncio.create_task(self._store.insert(code, new.url, new.expires_in_s))
            self._saving.add(saving)
            saving.add_done_callback(self._saving.discard)
            return _new_link(code, new)
        raise NoCodeFoundError


def _new_link(code: str, new: NewLink) -> Link:
    now = datetime.now(UTC)
    expires_at = now + timedelta(seconds=new.expires_in_s) if new.expires_in_s else None
    return Link(code, new.url, now, expires_at, gone=False)


def _entry(link: Link | None) -> Entry:
    if link is None:
        return Missing.UNKNOWN
    if link.gone:
        return Missing.GONE
    return Live(location(link.url), link.expires_at.timestamp() if link.expires_at else 0.0)
