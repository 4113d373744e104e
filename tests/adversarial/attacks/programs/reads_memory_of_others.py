"""Reads the secret in another process's memory: process_vm_readv, /proc/PID/mem, ptrace."""

from kit import TARGETS, prove
from system import read_memory


def attack() -> None:
    prove(read_memory(TARGETS["victim"], TARGETS["address"], 120).decode("latin-1"))
