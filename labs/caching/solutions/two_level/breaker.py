"""Stops asking something that does not answer, and tries again after a moment."""

from __future__ import annotations

import time

FAILURES_TO_OPEN = 3


class Breaker:
    """Open for a pause after some failures in a row; then all may try again, or one per pause."""

    def __init__(self, pause_s: float, *, one_tries: bool) -> None:
        self._pause_s, self._one_tries = pause_s, one_tries
        self._failures = 0
        self._closed_until_s = 0.0

    def allows(self) -> bool:
        """Whether this caller should try."""
        if self._failures < FAILURES_TO_OPEN:
            return True
        now_s = time.monotonic()
        if now_s < self._closed_until_s:
            return False
        if self._one_tries:
            self._closed_until_s = now_s + self._pause_s
        return True

    def succeeded(self) -> None:
        """It answered."""
        self._failures = 0

    def failed(self) -> None:
        """It did not answer, or not in time."""
        self._failures += 1
        self._closed_until_s = time.monotonic() + self._pause_s
