"""Stops asking a service that does not answer."""

from __future__ import annotations

import time

FAILURES_TO_OPEN = 3
PAUSE_S = 1.0


class Breaker:
    """Open after some failures in a row; then one caller a second may try again."""

    def __init__(self) -> None:
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
        self._closed_until_s = now_s + PAUSE_S
        return True

    def succeeded(self) -> None:
        """The service answered."""
        self._failures = 0

    def failed(self) -> None:
        """The service did not answer, or not in time."""
        self._failures += 1
        self._closed_until_s = time.monotonic() + PAUSE_S
