"""What the machine has, before all attacks and after."""

from pathlib import Path

from tests.adversarial.attacks.sampling import free_disk_bytes, memory_bytes
from tests.adversarial.attacks.witnesses import PLACES
from tests.adversarial.conftest import wait_until

TOLERANCE_BYTES = 1 << 30  # others use the machine, too; one attack alone takes three times that
PATIENCE_S = 30.0
MARK = "mark"


class Machine:
    """A photograph of the machine, to compare with."""

    def __init__(self) -> None:
        self.memory_bytes, self.disk_bytes = memory_bytes("MemAvailable"), free_disk_bytes()

    def wait_until_all_is_back(self) -> None:
        """Wait for memory and disk to be free again: the kernel takes its time."""

        def back() -> bool:
            memory = self.memory_bytes - memory_bytes("MemAvailable")
            disk = self.disk_bytes - free_disk_bytes()
            return max(memory, disk) < TOLERANCE_BYTES

        wait_until(back, "memory and disk", PATIENCE_S)


def marked() -> list[str]:
    """Return what any attack has left: processes, mounts, files that bear a mark."""
    files = [str(one) for place in PLACES for one in Path(place).glob(f"*{MARK}??????????*")]
    mounts = [one for one in Path("/proc/self/mountinfo").read_text().splitlines() if MARK in one]
    return files + mounts
