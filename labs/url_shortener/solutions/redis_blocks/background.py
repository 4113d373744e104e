"""Work that repeats beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

log = logging.getLogger(__name__)


async def repeat(
    interval_s: float, action: Callable[[], Awaitable[None]], stopping: asyncio.Event
) -> None:
    """Run the action again and again, and one last time when stopping."""
    # Told to stop rather than cancelled: half-done work could not be told from undone work.
    while not stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), interval_s)
        await _attempt(action)


async def _attempt(action: Callable[[], Awaitable[None]]) -> None:
    try:
        await action()
    except Exception as error:
        log.warning("%s failed, the next round tries again: %s", action.__qualname__, error)
