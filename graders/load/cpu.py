"""CPU time of process trees with nanosecond clocks, second by second."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import gevent
import numpy as np

from graders.samples import BLOCK_S, Floats


def cpu_ns(process_ids: Sequence[int]) -> int:
    """Return the time the processes' threads have spent on a CPU so far (Linux schedstat)."""
    total = 0
    for pid in process_ids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(thread.read_text().split()[0])
    return total


class CpuMeter:
    """Samples the targets' CPU time at every block's border, and the generator's own."""

    def __init__(self, trees: Sequence[Sequence[int]]) -> None:
        self._trees = trees
        self.cpu_ms: Floats = np.zeros((len(trees), 1))
        self.generator_cores = 0.0

    def sample(self, start_s: float, duration_s: float) -> None:
        """Wait for `start_s` (perf_counter) and sample until `duration_s` later."""
        count = max(1, round(duration_s / BLOCK_S))
        readings, own_s = [], []
        for border in range(count + 1):
            gevent.sleep(max(0.0, start_s + border * BLOCK_S - time.perf_counter()))
            readings.append([cpu_ns(tree) for tree in self._trees])
            own_s.append(time.process_time())
        self.cpu_ms = np.diff(np.array(readings, dtype=np.float64), axis=0).T / 1e6
        self.generator_cores = (own_s[-1] - own_s[0]) / (count * BLOCK_S)
