"""Leaves a System V shared memory segment behind, which belongs to no process."""

import ctypes
import os

IPC_PRIVATE, IPC_CREAT = 0, 0o1000


def attack() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0o600)
    if segment < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
