"""Writes without end to standard output and standard error."""

import os
import threading
import time

from kit import PATIENCE_S

CHUNK = (b"x" * 99 + b"\n") * 40
MORE_THAN_ANY_LOG_BYTES, QUICKLY_S = 8 << 20, 7.0
written_bytes = {1: 0, 2: 0}


def write(stream: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        written_bytes[stream] += os.write(stream, CHUNK)


def attack() -> None:
    for stream in written_bytes:
        threading.Thread(target=write, args=(stream,), daemon=True).start()
    deadline = time.monotonic() + QUICKLY_S
    while sum(written_bytes.values()) < MORE_THAN_ANY_LOG_BYTES:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {written_bytes} bytes could be written")
        time.sleep(0.01)
