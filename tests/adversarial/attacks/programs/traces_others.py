"""Attaches to another process as a debugger would (ptrace) and holds it."""

import ctypes
import os
import time

from kit import TARGETS

PTRACE_ATTACH = 16


def attack() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if os.fork() == 0:
        libc.ptrace(PTRACE_ATTACH, TARGETS["victim"], 0, 0)
        time.sleep(15)
        os._exit(0)
    time.sleep(0.2)
