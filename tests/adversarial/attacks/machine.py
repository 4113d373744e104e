"""What the machine has, before all attacks and after."""

import contextlib
import re
from pathlib import Path

from tests.adversarial.attacks.sampling import free_disk_bytes, memory_bytes
from tests.adversarial.attacks.traces import Traces, engine, on_engine
from tests.adversarial.attacks.witnesses import PLACES
from tests.adversarial.conftest import wait_until

TOLERANCE_BYTES = 1 << 30  # others use the machine, too; one attack alone takes three times that
PATIENCE_S = 30.0
MARK = re.compile(r"mark[0-9a-f]{10}")


class Machine:
    """A photograph of the machine, to compare with; `traces` are those of all attacks since."""

    def __init__(self) -> None:
        self.memory_bytes, self.disk_bytes = memory_bytes("MemAvailable"), free_disk_bytes()
        self.traces = Traces()
        self._on_engine = on_engine(engine())
        self._segments = forsaken_segments()

    def left(self) -> list[str]:
        """Return what bears a mark or was an attack's: here, and on the Docker engine if any."""
        segments = [f"segment {one}" for one in sorted(forsaken_segments() - self._segments)]
        return marked() + self.traces.left() + self._left_on_engine() + segments

    def _left_on_engine(self) -> list[str]:
        ours = {*self.traces.graders, ""}  # what names no grader was at least not there before
        now = on_engine(engine())  # which may have been started since
        return [one for one in now.keys() - self._on_engine.keys() if now[one] in ours]

    def wait_until_all_is_back(self) -> None:
        """Wait for memory and disk to be free again: the kernel takes its time."""

        def back() -> bool:
            memory = self.memory_bytes - memory_bytes("MemAvailable")
            disk = self.disk_bytes - free_disk_bytes()
            return max(memory, disk) < TOLERANCE_BYTES

        wait_until(back, "memory and disk", PATIENCE_S)


def marked() -> list[str]:
    """Return what bears the mark of an attack: files, mounts, keys, processes."""
    found = [str(one) for place in PLACES for one in Path(place).iterdir()]
    for file in ("/proc/self/mountinfo", "/proc/keys"):
        with contextlib.suppress(FileNotFoundError):
            found += Path(file).read_text().splitlines()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            said = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            found.append(f"process {process.name}: {said.decode(errors='replace')[:2000]}")
    return [one for one in found if MARK.search(one)]


def forsaken_segments() -> set[int]:
    """Return the System V segments of shared memory that no process is attached to."""
    lines = [one.split() for one in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return {int(words[1]) for words in lines if words[6] == "0"}
