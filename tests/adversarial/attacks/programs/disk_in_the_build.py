"""A build that writes one file of 3 GiB into its own folder."""

import os
import time

from kit import BIG_BYTES


def attack() -> None:
    with open("big", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, BIG_BYTES)
        time.sleep(0.3)
