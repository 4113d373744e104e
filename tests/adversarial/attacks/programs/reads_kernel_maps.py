"""Reads a map that somebody else's program keeps in the kernel (bpf)."""

from kit import TARGETS, prove
from system import read_map


def attack() -> None:
    prove(read_map(TARGETS["map"]))
