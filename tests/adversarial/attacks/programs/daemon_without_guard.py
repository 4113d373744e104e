"""Leaves a daemon, then kills the guard that would have found it."""

import os
import signal
import time

from kit import PATIENCE_S, daemonise, parents, say


def attack() -> None:
    daemonise(lambda: time.sleep(PATIENCE_S))
    for pid in parents()[:-1]:
        say("tried daemon_without_guard")
        os.kill(pid, signal.SIGKILL)
