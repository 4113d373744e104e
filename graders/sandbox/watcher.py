"""Ends commands that take more of the machine than a submission may."""

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from graders.processes import Supervised
from graders.processes.guard import children_of
from graders.sandbox.limits import Limits
from graders.sandbox.tripwire import Tripwire, disk_left_bytes, memory_left_bytes

TICK_S = 0.02
TICKS_PER_LOOK, TICKS_PER_VISIT = 10, 20


class Watcher:
    """Looks at all commands of a run five times a second; `excess` says what was too much.

    `services` is the growing list of the run's services, whose files lie somewhere in `data`; they
    are looked at half as often. They are ended too, since nothing else would give back what a
    submission made them take. What grows fast is looked at at once: fifty times a second it asks
    whether the machine has lost as much memory or disk as could matter.
    """

    def __init__(self, limits: Limits, services: list[Supervised], data: Path) -> None:
        self.excess = ""
        self._limits = limits
        self._services, self._data = services, data
        self._data_at_first_bytes: int | None = None
        self._watched: list[tuple[Supervised, Path]] = []
        self._memory = Tripwire(memory_left_bytes)
        self._disk = Tripwire(lambda: disk_left_bytes(data))
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def watch(self, command: Supervised, folder: Path) -> None:
        """Add a command, and the folder it may fill."""
        if self._services and self._data_at_first_bytes is None:
            self._data_at_first_bytes = _disk_bytes(self._data)
        self._watched.append((command, folder))

    def close(self) -> None:
        """End the watch."""
        self._closing.set()
        self._thread.join()

    def _look_on(self) -> None:
        ticks = itertools.count()
        while not self._closing.wait(TICK_S):
            running = [one for one in list(self._watched) if one[0].exit_code() is None]
            if not running:
                continue
            if excess := self._too_much(running, next(ticks)):
                self.excess = self.excess or excess
                self._end([command for command, _folder in running])

    def _end(self, commands: list[Supervised]) -> None:
        """End all; services are halted first, for they would go on growing until they are told."""
        services = [one for one in list(self._services) if one.exit_code() is None]
        for service in services:
            _halt(service)
        for command in commands:
            command.kill()
        for service in services:
            service.stop()

    def _too_much(self, running: list[tuple[Supervised, Path]], tick: int) -> str:
        is_visit = tick % TICKS_PER_VISIT == 0
        if is_visit or self._memory.is_tripped():
            left_bytes = self._memory.left()
            room_of_commands, excess = self._look_at_commands(running)
            room_of_services, excess_of_services = self._look_at_services()
            self._memory.arm(left_bytes, min(room_of_commands, room_of_services))
            excess = excess or excess_of_services
        elif tick % TICKS_PER_LOOK == 0:
            _room, excess = self._look_at_commands(running)
        else:
            excess = ""
        if not excess and (is_visit or self._disk.is_tripped()):
            excess = self._look_at_disk()
        return excess

    def _look_at_commands(self, running: list[tuple[Supervised, Path]]) -> tuple[int, str]:
        """Return the room in memory that is left to them, and what was too much."""
        room_bytes = self._limits.memory_bytes
        for folder in {folder for _command, folder in running}:
            processes = list(_processes(one for one, its in running if its == folder))
            used_bytes = _memory_bytes(processes, self._limits.memory_bytes)
            room_bytes = min(room_bytes, self._limits.memory_bytes - used_bytes)
            if excess := self._over(folder, processes, used_bytes):
                return room_bytes, excess
        return room_bytes, ""

    def _look_at_services(self) -> tuple[int, str]:
        """Return the room in memory that is left to them, and what was too much."""
        allowed_bytes = self._limits.services_memory_bytes
        used_bytes = _memory_bytes(list(_processes(list(self._services))), allowed_bytes)
        if used_bytes > allowed_bytes:
            return 0, f"it made the services take {_mib(used_bytes, allowed_bytes, 'memory')}"
        return allowed_bytes - used_bytes, ""

    def _look_at_disk(self) -> str:
        if self._data_at_first_bytes is None:  # no services yet
            return ""
        allowed_bytes, left_bytes = self._limits.services_disk_bytes, self._disk.left()
        used_bytes = _disk_bytes(self._data) - self._data_at_first_bytes
        self._disk.arm(left_bytes, allowed_bytes - used_bytes)
        if used_bytes > allowed_bytes:
            return f"it made the services take {_mib(used_bytes, allowed_bytes, 'disk')}"
        return ""

    def _over(self, folder: Path, processes: list[psutil.Process], memory_bytes: int) -> str:
        limits = self._limits
        if memory_bytes > limits.memory_bytes:
            return f"its processes took {_mib(memory_bytes, limits.memory_bytes, 'memory')}"
        cpu_s = sum(map(_cpu_s, processes))
        if cpu_s > limits.cpu_s:
            return f"its processes took {cpu_s:.0f} s of CPU time, {limits.cpu_s} s are allowed"
        if (files := _files(folder)) > limits.work_files:
            return f"its folder holds {files} files, {limits.work_files} are allowed"
        return ""


def _halt(service: Supervised) -> None:
    """Take its children away, and let it start no others.

    PostgreSQL itself lives on to be ended politely, else its shared memory would be left behind.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(service.pid, signal.SIGSTOP)
    for pid in children_of(service.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes(commands: Iterable[Supervised]) -> Iterator[psutil.Process]:
    for command in commands:
        for pid in command.process_ids():
            with contextlib.suppress(psutil.NoSuchProcess):
                yield psutil.Process(pid)


def _memory_bytes(processes: list[psutil.Process], limit_bytes: int) -> int:
    """Return what processes take, at most.

    The share of each (PSS) is only asked for when the plain sum, which counts shared pages several
    times, is over the limit: reading it costs the process time.
    """
    plain_bytes = sum(_resident_bytes(one) for one in processes)
    if plain_bytes <= limit_bytes:
        return plain_bytes
    return sum(_share_bytes(one) for one in processes)


def _resident_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _share_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(OSError):
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        return int(rollup.partition("\nPss:")[2].split()[0]) << 10
    return _resident_bytes(process)


def _cpu_s(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    return 0.0


def _files(folder: Path) -> int:
    with contextlib.suppress(OSError):
        places = os.statvfs(folder)
        return places.f_files - places.f_ffree
    return 0


def _disk_bytes(folder: Path) -> int:
    """Return what the files of a folder take of the disk."""
    total_bytes = 0
    for place, _folders, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total_bytes += os.lstat(f"{place}/{name}").st_blocks * 512
    return total_bytes


def _mib(used_bytes: int, allowed_bytes: int, what: str) -> str:
    return f"{used_bytes >> 20} MiB of {what}, {allowed_bytes >> 20} MiB are allowed"
