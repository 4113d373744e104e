"""Looks for files of the grader that were left open for it."""

import contextlib
import os

from kit import prove

OPEN = {}
for descriptor in sorted(set(os.listdir("/proc/self/fd")) - {"0", "1", "2"}):
    with contextlib.suppress(FileNotFoundError):  # what listed them
        OPEN[descriptor] = os.readlink(f"/proc/self/fd/{descriptor}")


def attack() -> None:
    for descriptor, file in OPEN.items():
        prove(f"{descriptor}: {file}")
