"""A build that leaves daemons: forked twice, in sessions and folders of their own."""

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
