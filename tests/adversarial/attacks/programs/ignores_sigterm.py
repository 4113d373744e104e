"""Ignores every signal that can be ignored, with children that do the same."""

import os
import signal
import time

from kit import PATIENCE_S


def attack() -> None:
    for _ in range(4):
        if os.fork() == 0:
            for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            time.sleep(PATIENCE_S)
            os._exit(0)
