"""Forty-eight processes fill 64 MiB of memory each, and keep it until all have."""

import os
import select
import time

from kit import BIG_BYTES, PATIENCE_S

COUNT, QUICKLY_S = 48, 6.0


def attack() -> None:
    full, fill = os.pipe()
    for _ in range(COUNT):
        if os.fork() == 0:
            kept = b"x" * (BIG_BYTES // COUNT)
            os.write(fill, b"f")
            time.sleep(PATIENCE_S)
            os._exit(len(kept) & 0)
    deadline, filled = time.monotonic() + QUICKLY_S, 0
    while filled < COUNT and select.select([full], [], [], max(0, deadline - time.monotonic()))[0]:
        filled += len(os.read(full, COUNT))
    time.sleep(1)
