"""Single keys from a terminal, without waiting and without echo."""

import contextlib
import os
import re
import select
import sys
import termios
import tty
from collections.abc import Iterator

# Arrows and their kind come as a sequence that begins with an escape.
SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)?")
QUIT = "q"
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
        with contextlib.suppress(termios.error):  # it may have been closed
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


def pressed_keys() -> list[str]:
    """Return the keys pressed since the last time, in lower case; `q` when there will be no more.

    Sequences that begin with an escape, such as arrows, are left out.
    """
    descriptor = sys.stdin.fileno()
    if not select.select([descriptor], [], [], 0)[0]:
        return []
    try:
        typed = os.read(descriptor, CHUNK_BYTES).decode(errors="replace")
    except OSError:
        typed = ""
    if not typed:  # the terminal is gone
        return [QUIT]
    return list(SEQUENCE.sub("", typed).lower())
