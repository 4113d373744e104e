"""Kills a process that is not its own."""

import os
import signal

from kit import TARGETS


def attack() -> None:
    os.kill(TARGETS["victim"], signal.SIGKILL)
