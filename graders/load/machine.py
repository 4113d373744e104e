"""What else kept the machine busy while load was offered."""

import time
from dataclasses import dataclass

import psutil

SHOWN_PROCESSES = 3


@dataclass(frozen=True)
class Snapshot:
    """CPU seconds of the machine and of each process (id, name) at one moment.

    `by_process` is what a process used itself, `by_children` what its children had used that ended.
    """

    at_s: float
    busy_s: float
    steal_s: float
    by_process: dict[tuple[int, str], float]
    by_children: dict[int, float]

    @classmethod
    def take(cls) -> "Snapshot":
        """Look now; takes some milliseconds, so never while load is measured."""
        times = psutil.cpu_times()
        steal_s = getattr(times, "steal", 0.0)
        busy_s = times.user + times.system + getattr(times, "nice", 0.0)
        processes = [
            process
            for process in psutil.process_iter(["name", "cpu_times"])
            if process.info["cpu_times"]
        ]
        by_process = {
            (process.pid, process.info["name"]): sum(process.info["cpu_times"][:2])
            for process in processes
        }
        by_children = {process.pid: sum(process.info["cpu_times"][2:4]) for process in processes}
        return cls(time.monotonic(), busy_s, steal_s, by_process, by_children)


@dataclass(frozen=True)
class Foreign:
    """Cores that others used between two snapshots, cores stolen by the host, and who they were."""

    cores: float
    steal_cores: float
    culprits: tuple[str, ...]


def foreign(before: Snapshot, after: Snapshot, family: set[int]) -> Foreign:
    """Return what processes outside `family` (process ids) used between two snapshots."""
    span_s = max(after.at_s - before.at_s, 1e-9)
    used = {
        process: after.by_process[process] - before.by_process.get(process, 0.0)
        for process in after.by_process
    }
    own_s = sum(seconds for (pid, _), seconds in used.items() if pid in family)
    own_s += sum(
        after.by_children[pid] - before.by_children.get(pid, 0.0)
        for pid in family & set(after.by_children)
    )
    others = sorted(
        ((seconds / span_s, name) for (pid, name), seconds in used.items() if pid not in family),
        reverse=True,
    )
    return Foreign(
        cores=max(0.0, (after.busy_s - before.busy_s - own_s) / span_s),
        steal_cores=(after.steal_s - before.steal_s) / span_s,
        culprits=tuple(
            f"{name} ({cores:.1f} cores)"
            for cores, name in others[:SHOWN_PROCESSES]
            if cores > 0.05
        ),
    )


def family_of(pid: int) -> set[int]:
    """Return a process with all its descendants."""
    try:
        root = psutil.Process(pid)
        return {pid, *(child.pid for child in root.children(recursive=True))}
    except psutil.NoSuchProcess:
        return {pid}
