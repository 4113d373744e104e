"""What a run takes of the machine while it lasts, seen from outside."""

import contextlib
import itertools
import os
import threading
from pathlib import Path

from tests.adversarial.attacks.traces import Birth, Traces
from tests.adversarial.conftest import segments

PERIOD_S = 0.1
LOOKED_UP = 100
LOOKS_PER_SEARCH = 5  # who starts another is followed at every look
STOPPED_PERIODS = 5  # a check may pause a process for a moment


def memory_bytes(name: str) -> int:
    """Return a figure of the machine's memory: MemAvailable, Shmem."""
    return _kib_after(f"{name}:", Path("/proc/meminfo")) << 10


def _kib_after(name: str, file: Path) -> int:
    with contextlib.suppress(OSError, IndexError):
        return int(file.read_text().partition(name)[2].split()[0])
    return 0


def own_bytes(pids: list[int], limit_bytes: int) -> int:
    """Return the memory that processes hold; over a limit, shares are counted once.

    They are looked up for the largest alone: the thousands of a fork bomb share all they have.
    """
    plain = {pid: _kib_after("RssAnon:", Path(f"/proc/{pid}/status")) << 10 for pid in pids}
    if sum(plain.values()) <= limit_bytes:
        return sum(plain.values())
    largest = sorted(plain, key=lambda pid: plain[pid], reverse=True)[:LOOKED_UP]
    return sum(_kib_after("Pss_Anon:", Path(f"/proc/{one}/smaps_rollup")) << 10 for one in largest)


def free_disk_bytes() -> int:
    """Return the room left on the disk that temporary folders lie on."""
    disk = os.statvfs("/tmp")
    return disk.f_bavail * disk.f_frsize


def taken_bytes(places: list[Path]) -> int:
    """Return what files, and the files in folders, take of the disk."""
    total_bytes = 0
    for place in places:
        inside = [Path(folder, one) for folder, _, files in os.walk(place) for one in files]
        for file in [place, *inside]:
            with contextlib.suppress(OSError):
                total_bytes += file.lstat().st_blocks * 512
    return total_bytes


def processes() -> dict[Birth, tuple[int, str]]:
    """Return every process of the machine (id, start time) with its parent's id and its state."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - ten times a second
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                words = file.read().rpartition(b")")[2].split()
                found[int(name), int(words[19])] = int(words[1]), words[0].decode()
    return found


def bearers(mark: str) -> set[Birth]:
    """Return who was given the targets of an attack, wherever it has got to since."""
    found = set()
    for pid, started in processes():
        with contextlib.suppress(OSError):
            told = Path(f"/proc/{pid}/environ").read_bytes()
            if mark.encode() in told and b"TARGETS=" in told:
                found.add((pid, started))
    return found


class Sampler:
    """Follows a process and all its descendants, also those who later find another parent.

    Others use the machine at the same time. So memory is what the family holds and what has been
    added to the memory that belongs to no process (tmpfs, memfd, segments); disk is what has been
    added to the disk, and at most to `folders`. With a `mark`, who bears it is
    of the family, too: what runs in a container descends from the engine.
    """

    def __init__(self, root: int, folders: list[Path], limit_bytes: int, mark: str = "") -> None:
        self.root, self.folders, self.limit_bytes, self.mark = root, folders, limit_bytes, mark
        self.family: set[Birth] = set()
        self.peak_processes = 0
        self.grader_stopped = False
        self.memory_bytes, self.disk_bytes = 0, 0
        self.user_namespaces: set[str] = set()
        self.traces = Traces()
        self.earlier_segments = frozenset(segments())
        self._looks = itertools.count()
        self._shared, self._free = memory_bytes("Shmem"), free_disk_bytes()
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
        disk_bytes = self._free - free_disk_bytes()
        if disk_bytes > self.disk_bytes:
            disk_bytes = min(disk_bytes, taken_bytes(self.folders))
        self.disk_bytes = max(self.disk_bytes, disk_bytes)
        found = processes()
        living = {birth[0]: birth for birth in found}
        self._add_descendants(found, living)
        alive = [one for one in self.family if one in found and found[one][1] not in "ZX"]
        self.peak_processes = max(self.peak_processes, len(alive))
        shared_bytes = max(0, memory_bytes("Shmem") - self._shared)
        held_bytes = own_bytes([pid for pid, _ in alive], self.limit_bytes - shared_bytes)
        self.memory_bytes = max(self.memory_bytes, held_bytes + shared_bytes)
        self.traces.note(alive[-50:])
        for pid, _ in alive[-50:]:
            with contextlib.suppress(OSError):
                self.user_namespaces.add(str(Path(f"/proc/{pid}/ns/user").readlink()))
        stopped = found.get(living.get(self.root, (0, 0)), (0, "X"))[1] in "Tt"
        self._stopped_periods = self._stopped_periods + 1 if stopped else 0
        self.grader_stopped = self.grader_stopped or self._stopped_periods >= STOPPED_PERIODS

    def _add_descendants(
        self, found: dict[Birth, tuple[int, str]], living: dict[int, Birth]
    ) -> None:
        if self.root in living:
            self.family.add(living[self.root])
        if self.mark and next(self._looks) % LOOKS_PER_SEARCH == 0:
            self.family |= bearers(self.mark)
        children: dict[int, list[Birth]] = {}
        for birth, (parent, _state) in found.items():
            children.setdefault(parent, []).append(birth)
        queue = [one for one in self.family if one in found]
        while queue:
            for child in children.get(queue.pop()[0], []):
                if child not in self.family:
                    self.family.add(child)
                    queue.append(child)

    def left(self, mark: str) -> list[Birth]:
        """Return who of the family, or with the mark, still lives."""
        self.family |= bearers(mark)
        self.sample()
        found = processes()
        return [one for one in self.family if one in found and found[one][1] not in "ZX"]
