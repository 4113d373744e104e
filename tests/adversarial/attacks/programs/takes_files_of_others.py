"""Takes an open file away from another process (pidfd_getfd)."""

import os

from kit import TARGETS, prove
from system import open_file_of


def attack() -> None:
    descriptor = open_file_of(TARGETS["victim"], TARGETS["descriptor"])
    prove(os.pread(descriptor, 100, 0).decode())
