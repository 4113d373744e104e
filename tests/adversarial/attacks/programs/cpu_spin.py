"""Spins in eight processes until it is ended."""

import os
import time

from kit import PATIENCE_S

SPINNERS = 8


def attack() -> None:
    for _ in range(SPINNERS):
        if os.fork() == 0:
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline:
                pass
            os._exit(0)
