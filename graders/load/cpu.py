"""CPU time of process trees with nanosecond clocks, of what has ended as well."""

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

PROC = Path("/proc")
# A process's CPU clock has a number made of its id (Linux: CPUCLOCK_SCHED in the last three bits).
CLOCK_BITS, CLOCK_KIND = 3, 2
PARENT, WAITED = 1, slice(13, 15)  # fields of /proc/PID/stat behind the name
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def cpu_ms(process_ids: Sequence[int]) -> float:
    """Return the time these processes, and nobody of their families, have used so far."""
    return sum(_clock_ms(pid) for pid in process_ids)


class CpuClock:
    """The CPU time of some processes and all their descendants, those included that end meanwhile.

    What a child used is its parent's once the parent has waited for it. An orphan is counted when
    the parent of one of `roots` adopts it, as the guard of a submission does.
    """

    def __init__(self, roots: Sequence[int]) -> None:
        self._reapers = {parent for pid in roots if (parent := _parent(pid))}
        self._family = set(roots)
        self._strangers: set[int] = set()

    def read_ms(self) -> float:
        """Return the time used so far; only differences mean something."""
        self._adopt()
        waited_ms = sum(_waited_ms(pid) for pid in self._family | self._reapers)
        return cpu_ms(sorted(self._family)) + waited_ms

    def _adopt(self) -> None:
        """Take in what the family has started since; looks only at processes it has not seen."""
        there = {int(one.name) for one in PROC.glob("[0-9]*")}
        self._family &= there
        parents = {pid: _parent(pid) for pid in there - self._family - self._strangers}
        grown = self._family
        while grown:
            adults = self._family | self._reapers
            grown = {pid for pid, parent in parents.items() if parent in adults} - adults
            self._family |= grown
        self._strangers = there - self._family


def _clock_ms(pid: int) -> float:
    with contextlib.suppress(OSError):
        return time.clock_gettime_ns(~pid << CLOCK_BITS | CLOCK_KIND) / 1e6
    return 0.0


def _waited_ms(pid: int) -> float:
    return sum(int(ticks) for ticks in _stat(pid)[WAITED]) * TICK_MS


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[PARENT]) if fields else None


def _stat(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return []
