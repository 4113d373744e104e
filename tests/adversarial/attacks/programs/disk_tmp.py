"""Writes 3 GiB to /tmp and leaves it there."""

import os
import time
from pathlib import Path

from kit import BIG_BYTES, TARGETS


def attack() -> None:
    with Path("/tmp", TARGETS["mark"]).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, BIG_BYTES)
        time.sleep(0.3)
