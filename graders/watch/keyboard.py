"""Single keys from a terminal, without waiting and without echo."""

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator

ESCAPE = "\x1b"  # arrows and their kind come as a sequence that begins with it
CHUNK_BYTES = 1024


@contextlib.contextmanager
def single_keys() -> Iterator[None]:
    """Let each key arrive at once, Ctrl-C interrupt as ever; afterwards all is as before."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)


def pressed_keys() -> list[str]:
    """Return the keys pressed since the last time, in lower case; none of what a key can't mean."""
    descriptor = sys.stdin.fileno()
    if not select.select([descriptor], [], [], 0)[0]:
        return []
    typed = os.read(descriptor, CHUNK_BYTES).decode(errors="replace")
    return [] if ESCAPE in typed else list(typed.lower())
