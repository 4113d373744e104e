"""Reads a key that somebody else keeps in the kernel."""

from kit import TARGETS, prove
from system import read_key


def attack() -> None:
    prove(read_key(TARGETS["key"]))
