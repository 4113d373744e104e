"""Writes without end to standard output and standard error."""

import os
import threading
import time

from kit import PATIENCE_S


def write(stream: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        os.write(stream, b"x" * 99 + b"\n")


def attack() -> None:
    for stream in (1, 2):
        threading.Thread(target=write, args=(stream,), daemon=True).start()
    time.sleep(0.5)
