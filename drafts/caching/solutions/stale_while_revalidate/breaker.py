"""Stops asking something that does not answer, and tries again after a moment."""

from __future__ import annotations

import time

FAILURES_TO_OPEN = 3


class Breaker:
    """Open after some failures in a row; then one caller per pause may try again."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._failures = 0
        self._closed_until_s = 0.0

    def allows(self) -> bool:
        """Whether this caller should try."""
        if self._failures < FAILURES_TO_OPEN:
            return True
        now_s = time.monotonic()
        if now_s < self._closed_until_s:
            return False
        # The one who tries moves the time on, so that nobody else tries meanwhile.
        self._closed_until_s = now_s + self._pause_s
        return True

    def succeeded(self) -> None:
        """It answered."""
        self._failures = 0

    def failed(self) -> None:
        """It did not answer, or not in time."""
        self._failures += 1
        self._closed_until_s = time.monotonic() + self._pause_s
