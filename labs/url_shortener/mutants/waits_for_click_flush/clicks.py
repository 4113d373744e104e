"""Counts clicks in memory and hands them to the database in batches."""

from __future__ import annotations

import asyncio
from collections import Counter

from store import Store


class Clicks:
    """Clicks that are not in the database yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: Counter[str] = Counter()
        self._written = asyncio.Event()

    async def add(self, code: str) -> None:
        """Count one redirect; returns when the click is in the database."""
        self._waiting[code] += 1
        await self._written.wait()

    async def flush(self) -> None:
        """Write everything counted so far; what fails is kept for the next time."""
        if not self._waiting:
            return
        batch, self._waiting = self._waiting, Counter()
        written, self._written = self._written, asyncio.Event()
        try:
            await self._store.add_clicks(batch)
        except Exception:
            self._waiting.update(batch)
            raise
        finally:
            written.set()
