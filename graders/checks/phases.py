"""How long each phase of a session takes; what runs inside of another counts for itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from graders.model import PhaseBegun, Progress


class Phases:
    """Wall-clock seconds by phase, in the order in which they began; each change is told."""

    def __init__(self, tell: Progress) -> None:
        self.times_s: dict[str, float] = {}
        self._tell, self._told = tell, ""
        self._open: list[str] = []
        self._since_s = 0.0

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count the time until the end of the block as this phase's."""
        self._turn()
        self._open.append(name)
        self._announce()
        try:
            yield
        finally:
            self._turn()
            self._open.pop()
            self._announce()

    def _turn(self) -> None:
        now_s = time.monotonic()
        if self._open:
            phase = self._open[-1]
            self.times_s[phase] = self.times_s.get(phase, 0.0) + now_s - self._since_s
        self._since_s = now_s

    def _announce(self) -> None:
        if self._open and self._open[-1] != self._told:
            self._told = self._open[-1]
            self._tell(PhaseBegun(self._told))
