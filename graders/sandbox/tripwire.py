"""When it is time to look closely: by what the whole machine has left, which costs 50 µs to ask."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

STEP_BYTES = 64 << 20
MEMORY = Path("/proc/meminfo")


class Tripwire:
    """Trips when half of the room that was found at the last close look may have been taken.

    What a submission takes, the whole machine has less of. Others take of it, too: so that it trips
    is a reason to look, and never says that somebody took too much. Others may also give back in
    the same moment, and hide what was taken: so it does not take the place of regular looks.
    """

    def __init__(self, left: Callable[[], int]) -> None:
        self.left = left
        self._trips_below_bytes: float = float("inf")

    def is_tripped(self) -> bool:
        """Say if it is time to look."""
        return self.left() < self._trips_below_bytes

    def arm(self, left_bytes: int, room_bytes: int) -> None:
        """Take note of a close look: what the machine had left before it, and the room it found."""
        self._trips_below_bytes = left_bytes - max(room_bytes // 2, STEP_BYTES)


def memory_left_bytes() -> int:
    """Return the memory that programs could still have."""
    with contextlib.suppress(OSError, IndexError):
        return int(MEMORY.read_bytes().partition(b"\nMemAvailable:")[2].split(None, 1)[0]) << 10
    return 0


def disk_left_bytes(folder: Path) -> int:
    """Return the room left on the file system of a folder."""
    with contextlib.suppress(OSError):
        room = os.statvfs(folder)
        return room.f_bfree * room.f_frsize
    return 0
