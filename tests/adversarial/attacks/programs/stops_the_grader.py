"""Stops the grader, so that it waits for ever."""

import os
import signal

from kit import parents


def attack() -> None:
    os.kill(parents()[-1], signal.SIGSTOP)
