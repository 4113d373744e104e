"""Starting the load generator, waiting for it, reading what it measured."""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from graders import samples
from graders.errors import LabError, MachineError
from graders.processes import Supervised
from graders.samples import Samples

OVERHEAD_S = 60.0
QUIET_PATIENCE_S, QUIET_PERCENT = 15.0, 50.0
LAB_FAULT = 3


@dataclass(frozen=True)
class Target:
    """Somewhere to send load: its addresses (replicas) and the processes whose CPU time counts."""

    base_urls: tuple[str, ...]
    process_ids: tuple[int, ...]


@dataclass(frozen=True)
class LoadRun:
    """What to offer: arrivals per second and target, for how long, from which Locust user.

    `alone_s` seconds before and after, the reference gets load alone; with `by_turns`, submission
    and reference get it one after the other, a second each. Only `task` is run, or all of them.
    """

    locustfile: str
    user: str
    rate_rps: float
    duration_s: float
    warmup_s: float
    seed: int
    timeout_s: float = 5.0
    max_in_flight: int = 256
    alone_s: float = 0.0
    by_turns: bool = False
    task: str = ""


@dataclass(frozen=True)
class Orders:
    """What the generator is told: the run, where it goes, and whose programs are not foreign."""

    run: LoadRun
    targets: tuple[Target, ...]
    grader_pid: int

    def to_json(self) -> str:
        """Return the orders as JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Orders":
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        targets = tuple(
            Target(tuple(one["base_urls"]), tuple(one["process_ids"])) for one in fields["targets"]
        )
        return cls(LoadRun(**fields["run"]), targets, fields["grader_pid"])


def offer(
    run: LoadRun, targets: Sequence[Target], folder: Path, name: str, env: Mapping[str, str]
) -> Samples:
    """Run the generator once; LabError when the locustfile is at fault."""
    spec, result = folder / f"{name}.json", folder / f"{name}.npz"
    spec.write_text(Orders(run, tuple(targets), os.getpid()).to_json())
    command = [sys.executable, "-m", "graders.load.driver", str(spec), str(result)]
    with Supervised(
        command,
        env={**os.environ, **env, "LAB_SEED": str(run.seed)},
        cwd=folder,
        log=folder / f"{name}.log",
    ) as driver:
        code = driver.exit_code(_patience_s(run))
    if code == 0:
        return samples.load(result)
    raise _failure(code, driver.log_tail(), run)


def wait_until_quiet() -> None:
    """Wait until half of the machine is idle for a second, at most QUIET_PATIENCE_S."""
    deadline_s = time.monotonic() + QUIET_PATIENCE_S
    while time.monotonic() < deadline_s:
        if psutil.cpu_percent(interval=1.0) < QUIET_PERCENT:
            return


def _patience_s(run: LoadRun) -> float:
    turns = 2 * run.duration_s if run.by_turns else 3
    return run.warmup_s + run.duration_s + 2 * run.alone_s + turns * run.timeout_s + OVERHEAD_S


def _failure(code: int | None, log: Sequence[str], run: LoadRun) -> LabError | MachineError:
    if code == LAB_FAULT:
        return LabError(
            f"The user {run.user!r} of {run.locustfile} can't be run.",
            "Correct the locustfile; try it with `locust -f`.",
            log,
        )
    how = "did not end in time" if code is None else f"ended with exit code {code}"
    return MachineError(f"The load generator {how}.", "Read its last lines below.", log)
