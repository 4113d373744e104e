"""Writes 5,000 files into its own folder, 3 GiB together."""

import os
import time

from kit import BIG_BYTES, FILES


def attack() -> None:
    os.mkdir("many")
    for number in range(FILES):
        with open(f"many/{number}", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, BIG_BYTES // FILES)
    time.sleep(0.3)
