"""One process fills 3 GiB of memory."""

import time

from kit import BIG_BYTES


def attack() -> None:
    kept = []
    for _ in range(BIG_BYTES >> 26):
        kept.append(b"x" * (1 << 26))
    time.sleep(0.3)
