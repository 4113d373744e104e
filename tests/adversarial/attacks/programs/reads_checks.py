"""Reads the word out of the lab's hidden checks and answers with it."""

from pathlib import Path

from kit import TARGETS, prove


def attack() -> None:
    prove(Path(TARGETS["lab"], "checks/word.txt").read_text())
