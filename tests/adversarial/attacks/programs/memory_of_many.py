"""Forty-eight processes fill 64 MiB of memory each."""

import os
import time

from kit import BIG_BYTES

COUNT = 48


def attack() -> None:
    children = []
    for _ in range(COUNT):
        pid = os.fork()
        if pid == 0:
            kept = b"x" * (BIG_BYTES // COUNT)
            time.sleep(4)
            os._exit(len(kept) & 0)
        children.append(pid)
    time.sleep(2.5)
