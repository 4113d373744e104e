"""Opens the kernel's settings for writing; it writes nothing."""

import os

from kit import prove


def attack() -> None:
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    prove("core_pattern can be written")
