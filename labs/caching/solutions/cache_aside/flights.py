"""One fetch for all who want the same thing in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Flights(Generic[Result]):
    """Fetches under way, by what they fetch."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[Result]] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._under_way

    async def join(self, key: Hashable, fetch: Callable[[], Awaitable[Result]]) -> Result:
        """Wait for the fetch that is under way, or begin one; a caller who leaves ends nothing."""
        flight = self._under_way.get(key)
        if flight is None:
            flight = asyncio.ensure_future(fetch())
            self._under_way[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def _landed(self, key: Hashable, flight: asyncio.Future[Result]) -> None:
        del self._under_way[key]
        if not flight.cancelled():
            flight.exception()  # everybody who waited may have left
