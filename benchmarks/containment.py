"""What a level of containment adds to the start of a grade and to one command, over `process`.

Levels take turns within each round, in changing order, so that what else the machine does meets
all of them; a difference is the median of the rounds' own differences, beside what 95 % of such
medians lie between. Docker's is measured warm: its first round is not counted.
"""

import math
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.row import Row
from graders.errors import GradingError
from graders.processes import run_folder
from graders.sandbox import Level, contain, open_sandbox
from graders.state import cache_folder

BASE: Level = "process"
ALLOWED_MS: dict[Level, float] = {"bwrap": 50.0, "docker": 1500.0}
ROUNDS: dict[Level, int] = {"bwrap": 41, "docker": 7}
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


@dataclass(frozen=True)
class Sample:
    """One sandbox with one short command in it, in milliseconds; CPU includes its closing."""

    opened_ms: float
    command_ms: float
    closed_ms: float
    cpu_ms: float

    @property
    def start_ms(self) -> float:
        """What a learner waits for: the sandbox is open, and a command has come and gone."""
        return self.opened_ms + self.command_ms


def measure() -> list[Row]:
    """Compare each level that this machine offers with `process`."""
    rows = []
    for level, allowed_ms in ALLOWED_MS.items():
        what = f"{level} over {BASE}: opened, and one command"
        if reason := _lacks(level):
            rows.append(Row(what, None, "ms", f"skipped: {reason}"))
        else:
            rows += _compare(level, what, allowed_ms)
    return rows


def _lacks(level: Level) -> str:
    """Say why this machine can't run a level; empty if it can."""
    try:
        contain(level, untrusted=True, cache=cache_folder())
    except GradingError as error:
        return error.problem
    return ""


def _compare(level: Level, what: str, allowed_ms: float) -> list[Row]:
    base, other = [], []
    for number in range(ROUNDS[level] + 1):
        pair = {one: _one(one) for one in ((BASE, level), (level, BASE))[number % 2]}
        if number:  # the first warms caches
            base.append(pair[BASE])
            other.append(pair[level])
    parts: dict[str, Callable[[Sample], float]] = {
        "opened": lambda one: one.opened_ms,
        "one command, start to end": lambda one: one.command_ms,
        "closed": lambda one: one.closed_ms,
    }
    rows = [
        Row(f"{name}: {part}", statistics.median(map(of, samples)), "ms", _least(samples, of))
        for part, of in parts.items()
        for name, samples in ((BASE, base), (level, other))
    ]
    pairs = list(zip(base, other, strict=True))
    more_ms = [theirs.start_ms - ours.start_ms for ours, theirs in pairs]
    more_cpu_ms = [theirs.cpu_ms - ours.cpu_ms for ours, theirs in pairs]
    note = f"allowed: {allowed_ms:g}; {_interval(more_ms)}; least: {min(more_ms):.3g}"
    return [
        *rows,
        Row(what, statistics.median(more_ms), "ms", note),
        Row(
            f"{level} over {BASE}: CPU time, with the closing",
            statistics.median(more_cpu_ms),
            "ms",
            f"{_interval(more_cpu_ms)}; what an engine's own processes take is not seen",
        ),
    ]


def _least(samples: list[Sample], of: Callable[[Sample], float]) -> str:
    return f"least: {min(map(of, samples)):.3g}"


def _interval(figures: list[float]) -> str:
    """Return what 95 % of medians lie between: order statistics, which assume no distribution."""
    ordered, count = sorted(figures), len(figures)
    outside = 0.0
    for below in range(count // 2):
        outside += 2 * math.comb(count, below) / 2**count
        if outside > 0.05:
            break
    low, high = ordered[max(below - 1, 0)], ordered[min(count - below, count - 1)]
    return f"95 %: {low:.3g} to {high:.3g} ({count} pairs)"


def _one(level: Level) -> Sample:
    with run_folder() as folder:
        cpu_s, started_s = _cpu_s(), time.monotonic()
        with open_sandbox(level, folder, cache_folder()) as sandbox:
            place = sandbox.workplace("submission")
            place.folder.mkdir(exist_ok=True)
            opened_s = time.monotonic()
            with place.start(["true"], {}, folder / "true.log") as command:
                code = command.exit_code(timeout_s=60)
            done_s = time.monotonic()
        closed_s = time.monotonic()
    if code != 0:
        raise RuntimeError(f"`true` ended with {code} at level {level}")
    return Sample(
        1000 * (opened_s - started_s),
        1000 * (done_s - opened_s),
        1000 * (closed_s - done_s),
        1000 * (_cpu_s() - cpu_s),
    )


def _cpu_s() -> float:
    """Return the CPU time of this process and of its descendants that were waited for."""
    usages = [resource.getrusage(who) for who in WHO]
    return sum(one.ru_utime + one.ru_stime for one in usages)
