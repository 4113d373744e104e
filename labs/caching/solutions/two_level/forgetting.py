"""Making entries void after a write, however long Redis is away meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from cache import AwayError, Cache

RETRY_S = 0.1
log = logging.getLogger(__name__)


class Forgetting:
    """Subjects that were written to and of which Redis has not been told yet.

    Until it has, this process does not believe what Redis says of them.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._pending: set[str] = set()

    def distrusts(self, subject: str) -> bool:
        """Whether entries about this subject may be older than our last write to it."""
        return subject in self._pending

    async def forget(self, subjects: Iterable[str]) -> None:
        """Make entries void now, or as soon as Redis is back."""
        subjects = set(subjects)
        self._pending |= subjects
        try:
            await self._cache.forget(subjects, stubbornly=True)
        except AwayError as error:
            log.warning("Redis still has to forget %s: %s", subjects, error)
        else:
            self._pending -= subjects

    async def keep_trying(self) -> None:
        """Tell Redis again and again, until it has heard of everything."""
        while True:
            await asyncio.sleep(RETRY_S)
            if self._pending:
                await self.forget(self._pending)
