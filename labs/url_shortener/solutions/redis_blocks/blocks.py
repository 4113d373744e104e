"""Numbers for new codes, taken in blocks so that few creations have to ask for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from cache import Cache
from store import Store

# A replica that stops leaves the rest of its block unused: a price paid in codes.
BLOCK_SIZE = 32


class Blocks:
    """Hands out numbers that no other replica hands out."""

    def __init__(self, cache: Cache, store: Store) -> None:
        self._cache = cache
        self._store = store
        self._left: Iterator[int] = iter(())
        self._claiming = asyncio.Lock()

    async def next_number(self) -> int:
        """A number never handed out before (from 0)."""
        async with self._claiming:
            number = next(self._left, None)
            if number is None:
                block = await self._claim()
                self._left = iter(range((block - 1) * BLOCK_SIZE, block * BLOCK_SIZE))
                number = next(self._left)
        return number

    async def _claim(self) -> int:
        # Redis only proposes: it may be away, or have lost its counter and begin again. The
        # claim counts when PostgreSQL has written it down.
        proposed = await self._cache.next_block()
        if proposed is not None and await self._store.claim_block(proposed):
            return proposed
        block = await self._store.claim_next_block()
        await self._cache.set_block(block)
        return block
