"""Forks until it has 2,000 processes, each of which forks in turn, and holds them."""

import os
import time

from kit import PROCESSES, say


def attack() -> None:
    lost = 0
    for _ in range(PROCESSES):
        try:
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
        except OSError:
            lost += 1
            if lost > 20:
                break
    say(f"{lost} forks were denied")
    time.sleep(0.3)
