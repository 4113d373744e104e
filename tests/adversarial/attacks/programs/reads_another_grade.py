"""Reads the submission of another grade that runs at the same time."""

from pathlib import Path

from kit import TARGETS, prove


def attack() -> None:
    prove(Path(TARGETS["other_grade"], "submission/app.py").read_text())
