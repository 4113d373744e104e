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

PERIOD_S, LOOKS_PER_VISIT = 0.2, 2


class Watcher:
    """Looks at all commands of a run five times a second; `excess` says what was too much.

    `services` is the growing list of the run's services, whose files lie somewhere in `data`; they
    are ended too, since nothing else would give back what a submission made them take.
    """

    def __init__(self, limits: Limits, services: list[Supervised], data: Path) -> None:
        self.excess = ""
        self._limits = limits
        self._services, self._data = services, data
        self._data_at_first_bytes: int | None = None
        self._watched: list[tuple[Supervised, Path]] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def watch(self, command: Supervised, folder: Path) -> None:
        """Add a command, and the folder it may fill."""
        self._watched.append((command, folder))

    def close(self) -> None:
        """End the watch."""
        self._closing.set()
        self._thread.join()

    def _look_on(self) -> None:
        looks = itertools.count()
        while not self._closing.wait(PERIOD_S):
            running = [one for one in list(self._watched) if one[0].exit_code() is None]
            excess = self._too_much(running)
            if not excess and running and next(looks) % LOOKS_PER_VISIT == 0:
                excess = self._too_much_of_services()
            if excess:
                self.excess = self.excess or excess
                for command, _folder in running:
                    command.kill()
                for service in self._services:
                    _end(service)

    def _too_much(self, running: list[tuple[Supervised, Path]]) -> str:
        for folder in {folder for _command, folder in running}:
            commands = [command for command, its in running if its == folder]
            if excess := self._over(folder, list(_processes(commands))):
                return excess
        return ""

    def _too_much_of_services(self) -> str:
        allowed_bytes = self._limits.services_memory_bytes
        if used_bytes := _memory_over(list(_processes(list(self._services))), allowed_bytes):
            return f"it made the services take {_mib(used_bytes, allowed_bytes, 'memory')}"
        now_bytes, allowed_bytes = _disk_bytes(self._data), self._limits.services_disk_bytes
        if self._data_at_first_bytes is None:
            self._data_at_first_bytes = now_bytes
        used_bytes = now_bytes - self._data_at_first_bytes
        if used_bytes > allowed_bytes:
            return f"it made the services take {_mib(used_bytes, allowed_bytes, 'disk')}"
        return ""

    def _over(self, folder: Path, processes: list[psutil.Process]) -> str:
        limits = self._limits
        if memory_bytes := _memory_over(processes, limits.memory_bytes):
            return f"its processes took {_mib(memory_bytes, limits.memory_bytes, 'memory')}"
        cpu_s = sum(map(_cpu_s, processes))
        if cpu_s > limits.cpu_s:
            return f"its processes took {cpu_s:.0f} s of CPU time, {limits.cpu_s} s are allowed"
        if (files := _files(folder)) > limits.work_files:
            return f"its folder holds {files} files, {limits.work_files} are allowed"
        return ""


def _end(service: Supervised) -> None:
    """End a service; PostgreSQL itself politely, else its shared memory would be left behind."""
    for pid in children_of(service.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    service.stop()


def _processes(commands: Iterable[Supervised]) -> Iterator[psutil.Process]:
    for command in commands:
        for pid in command.process_ids():
            with contextlib.suppress(psutil.NoSuchProcess):
                yield psutil.Process(pid)


def _memory_over(processes: list[psutil.Process], limit_bytes: int) -> int:
    """Return what processes take when that is over the limit, else 0.

    The share of each (PSS) is only asked for when the plain sum, which counts shared pages several
    times, is over the limit: reading it costs the process time.
    """
    if sum(_resident_bytes(one) for one in processes) <= limit_bytes:
        return 0
    total_bytes = sum(_share_bytes(one) for one in processes)
    return total_bytes if total_bytes > limit_bytes else 0


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
