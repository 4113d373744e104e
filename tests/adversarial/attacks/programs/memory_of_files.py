"""Fills 3 GiB of memory with files that have no name (memfd), which no process seems to hold."""

import os
import time

from kit import BIG_BYTES


def attack() -> None:
    nameless = os.memfd_create("nameless")
    os.posix_fallocate(nameless, 0, BIG_BYTES)
    time.sleep(0.3)
