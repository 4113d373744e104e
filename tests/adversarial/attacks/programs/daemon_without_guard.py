"""Leaves a daemon, then kills the guard that would have found it."""

import os
import signal
import time

from kit import PATIENCE_S, daemonise, parents, say


def live() -> None:
    os.closerange(0, 256)
    time.sleep(PATIENCE_S)


def attack() -> None:
    guards = parents()[:-1]
    daemonise(live)
    say("tried daemon_without_guard")
    time.sleep(0.3)  # the guard writes the log
    for pid in guards:
        os.kill(pid, signal.SIGKILL)
