"""A build that reads the word out of the lab's hidden checks."""

from pathlib import Path

from kit import TARGETS, prove


def attack() -> None:
    prove(Path(TARGETS["lab"], "checks/word.txt").read_text())
