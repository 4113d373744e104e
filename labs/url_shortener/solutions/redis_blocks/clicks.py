"""Counts clicks in memory and hands them to the database in batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from store import Store


@dataclass(frozen=True)
class Batch:
    """Clicks under an id that makes writing them twice the same as writing them once."""

    clicks: Counter[str]
    id: UUID = field(default_factory=uuid4)


class Clicks:
    """Clicks that are not in the database yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: Counter[str] = Counter()
        self._sending: Batch | None = None

    def add(self, code: str) -> None:
        """Count one redirect."""
        self._waiting[code] += 1

    async def flush(self) -> None:
        """Write everything counted so far; what fails is sent again as it was."""
        while self._sending or self._waiting:
            if self._sending is None:
                self._sending, self._waiting = Batch(self._waiting), Counter()
            await self._store.add_clicks(self._sending.id, self._sending.clicks)
            self._sending = None
