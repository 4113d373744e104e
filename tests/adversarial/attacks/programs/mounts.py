"""Mounts a file system of its own over a folder outside."""

from kit import TARGETS
from system import mount


def attack() -> None:
    mount("tmpfs", TARGETS["folder"] + "/hidden", "size=1m")
