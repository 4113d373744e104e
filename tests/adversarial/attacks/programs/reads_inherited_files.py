"""Looks for files of the grader that were left open for it."""

import os

from kit import prove

AT_FIRST = set(os.listdir("/proc/self/fd")) - {"0", "1", "2"}


def attack() -> None:
    for descriptor in AT_FIRST:
        try:
            prove(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:
            continue  # what listed them
