"""Reads the machine's disk as a device, past every permission on its files."""

from pathlib import Path

from kit import TARGETS, prove


def attack() -> None:
    with Path(TARGETS["disk"]).open("rb") as disk:
        disk.seek(TARGETS["disk_offset"])
        prove(disk.read(16).hex())
