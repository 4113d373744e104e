"""Leaves daemons and waits until the grader is killed, to go on without it."""

import os
import signal
import time

from kit import PATIENCE_S, daemonise


def live() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.closerange(0, 256)
    time.sleep(PATIENCE_S)


def attack() -> None:
    for _ in range(3):
        daemonise(live)
