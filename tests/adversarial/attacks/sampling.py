"""What a run takes of the machine while it lasts, seen from outside."""

import contextlib
import os
import threading
import time
from pathlib import Path

PERIOD_S = 0.1
STOPPED_PERIODS = 5  # a check may pause a process for a moment

Birth = tuple[int, int]


def available_bytes() -> int:
    """Return the memory the machine has left."""
    text = Path("/proc/meminfo").read_text()
    return int(text.partition("MemAvailable:")[2].split()[0]) << 10


def free_disk_bytes() -> int:
    """Return the room left on the disk that temporary folders lie on."""
    disk = os.statvfs("/tmp")
    return disk.f_bavail * disk.f_frsize


def processes() -> dict[Birth, tuple[int, str]]:
    """Return every process of the machine (id, start time) with its parent's id and its state."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
                words = file.read().rpartition(")")[2].split()
                found[int(name), int(words[19])] = int(words[1]), words[0]
    return found


class Sampler:
    """Follows a process and all its descendants, also those who later find another parent."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.family: set[Birth] = set()
        self.peak_processes = 0
        self.grader_stopped = False
        self.memory_bytes, self.disk_bytes = 0, 0
        self.user_namespaces: set[str] = set()
        self._available, self._free = available_bytes(), free_disk_bytes()
        self._stopped_periods = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(PERIOD_S):
            self.sample()

    def sample(self) -> None:
        """Look once."""
        self.memory_bytes = max(self.memory_bytes, self._available - available_bytes())
        self.disk_bytes = max(self.disk_bytes, self._free - free_disk_bytes())
        found = processes()
        living = {birth[0]: birth for birth in found}
        self._add_descendants(found, living)
        alive = [one for one in self.family if one in found and found[one][1] not in "ZX"]
        self.peak_processes = max(self.peak_processes, len(alive))
        for pid, _ in alive[-50:]:
            with contextlib.suppress(OSError):
                self.user_namespaces.add(os.readlink(f"/proc/{pid}/ns/user"))
        stopped = found.get(living.get(self.root, (0, 0)), (0, "X"))[1] in "Tt"
        self._stopped_periods = self._stopped_periods + 1 if stopped else 0
        self.grader_stopped = self.grader_stopped or self._stopped_periods >= STOPPED_PERIODS

    def _add_descendants(
        self, found: dict[Birth, tuple[int, str]], living: dict[int, Birth]
    ) -> None:
        if self.root in living:
            self.family.add(living[self.root])
        children: dict[int, list[Birth]] = {}
        for birth, (parent, _state) in found.items():
            children.setdefault(parent, []).append(birth)
        queue = [one for one in self.family if one in found]
        while queue:
            for child in children.get(queue.pop()[0], []):
                if child not in self.family:
                    self.family.add(child)
                    queue.append(child)

    def left(self, patience_s: float) -> list[Birth]:
        """Return who of the family still lives after some patience."""
        deadline = time.monotonic() + patience_s
        while True:
            self.sample()
            found = processes()
            alive = [one for one in self.family if one in found and found[one][1] not in "ZX"]
            if not alive or time.monotonic() > deadline:
                return alive
            time.sleep(PERIOD_S)
