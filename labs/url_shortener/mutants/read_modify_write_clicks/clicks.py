"""Counts clicks in memory and hands them to the database in batches."""

from __future__ import annotations

from collections import Counter

from store import Store


class Clicks:
    """Clicks that are not in the database yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: Counter[str] = Counter()
        self._totals: dict[str, int] = {}

    def add(self, code: str) -> None:
        """Count one redirect."""
        self._waiting[code] += 1

    async def flush(self) -> None:
        """Write everything counted so far; what fails is kept for the next time."""
        if not self._waiting:
            return
        batch, self._waiting = self._waiting, Counter()
        try:
            await self._store.set_clicks(await self._new_totals(batch))
        except Exception:
            self._waiting.update(batch)
            raise

    async def _new_totals(self, batch: Counter[str]) -> dict[str, int]:
        fresh = [code for code in batch if code not in self._totals]
        self._totals |= dict.fromkeys(fresh, 0) | await self._store.clicks_of(fresh)
        self._totals |= {code: self._totals[code] + count for code, count in batch.items()}
        return {code: self._totals[code] for code in batch}
