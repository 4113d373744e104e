"""Reads the word out of the lab's solution and answers with it."""

from pathlib import Path

from kit import TARGETS, prove


def attack() -> None:
    prove(Path(TARGETS["lab"], "solutions/good/word.txt").read_text())
