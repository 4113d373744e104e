"""What the sandbox adds to the start of a grade and to the start of each command."""

import statistics
import time

from benchmarks.row import Row
from graders.processes import run_folder
from graders.sandbox import Level, open_sandbox
from graders.state import cache_folder

ROUNDS = 21
LEVELS: tuple[Level, ...] = ("process", "bwrap")


def measure() -> list[Row]:
    """Open each level and run one short command in it, the levels by turns; medians."""
    opening: dict[Level, list[float]] = {level: [] for level in LEVELS}
    starting: dict[Level, list[float]] = {level: [] for level in LEVELS}
    for _ in range(ROUNDS):
        for level in LEVELS:
            open_s, start_s = _one(level)
            opening[level].append(1000 * open_s)
            starting[level].append(1000 * start_s)
    rows = []
    for what, times in (("opened", opening), ("one command, start to end", starting)):
        rows += [Row(f"{level}: {what}", statistics.median(times[level]), "ms") for level in LEVELS]
    both = [[a + b for a, b in zip(opening[x], starting[x], strict=True)] for x in LEVELS]
    more_ms = statistics.median(both[1]) - statistics.median(both[0])
    return [*rows, Row("bwrap over process, both together", more_ms, "ms", "allowed: 50")]


def _one(level: Level) -> tuple[float, float]:
    with run_folder() as folder:
        started_s = time.monotonic()
        with open_sandbox(level, folder, cache_folder()) as sandbox:
            place = sandbox.workplace("submission")
            place.folder.mkdir(exist_ok=True)
            opened_s = time.monotonic()
            with place.start(["true"], {}, folder / "true.log") as command:
                command.exit_code(timeout_s=10)
            return opened_s - started_s, time.monotonic() - opened_s
