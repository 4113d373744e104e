"""Watches another process with the processor's performance counters (perf)."""

from kit import TARGETS, prove
from system import count_cycles_of


def attack() -> None:
    prove(f"counter {count_cycles_of(TARGETS['victim'])}")
