"""Writes to somebody else's terminal."""

from pathlib import Path

from kit import TARGETS


def attack() -> None:
    with Path(TARGETS["terminal"]).open("wb", buffering=0) as terminal:
        terminal.write(b"PASSED 3 of 3")
