"""Starting the load generator, waiting for it, reading what it measured."""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from graders import samples
from graders.errors import LabError, MachineError
from graders.processes import Supervised
from graders.samples import Samples

OVERHEAD_S, WAIT_FOR_WORKERS_S = 60.0, 300.0
QUIET_PATIENCE_S, QUIET_PERCENT = 15.0, 50.0
LAB_FAULT, LATE = 3, 4


@dataclass(frozen=True)
class Target:
    """Somewhere to send load: its addresses (replicas) and the processes whose CPU time counts."""

    base_urls: tuple[str, ...]
    process_ids: tuple[int, ...]


@dataclass(frozen=True)
class Workers:
    """How many generators share a run, the master's port, and whether they run on this machine."""

    count: int
    port: int
    here: bool = True


@dataclass(frozen=True)
class LoadRun:
    """What to offer: arrivals per second and target, for how long, from which Locust user.

    `alone_s` seconds before and after, the reference gets load alone; with `by_turns`, submission
    and reference get it one after the other, a second each. Only `task` is run, or all of them.
    `probe_share` of the arrivals are tasks of `probe_user` instead. The file `told_to` gets a line
    when a measured phase begins.
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
    probe_user: str = ""
    probe_share: float = 0.0
    told_to: str = ""

    @property
    def planned_s(self) -> float:
        """How long it offers load to a submission and the reference, if it keeps to the plan."""
        if self.by_turns:
            return self.warmup_s + 2 * self.duration_s
        return 1.5 * self.warmup_s + self.duration_s + 2 * self.alone_s

    @property
    def patience_s(self) -> float:
        """How long a generator may take before it must have gone wrong."""
        pauses = 2 * self.duration_s if self.by_turns else 4
        load_s = 2 * (self.warmup_s + self.duration_s + self.alone_s)
        return load_s + 2 * pauses * self.timeout_s + OVERHEAD_S


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

    def at(self, locustfile: str) -> "Orders":
        """Return the same orders with the locustfile where it lies on another machine."""
        run = dataclasses.replace(self.run, locustfile=locustfile)
        return dataclasses.replace(self, run=run)


def offer(
    run: LoadRun,
    targets: Sequence[Target],
    folder: Path,
    name: str,
    env: Mapping[str, str],
    join: Sequence[str] = (),
) -> Samples:
    """Run one generator; LabError when the locustfile is at fault.

    `join` is a command prefix that leads into the network where the targets are.
    """
    orders, result = _write_orders(run, targets, folder, name)
    command = [*join, sys.executable, "-m", "graders.load.driver", str(orders), str(result)]
    log = folder / f"{name}.log"
    with Supervised(command, env=_environment(run, env), cwd=folder, log=log) as driver:
        code = driver.exit_code(run.patience_s)
    if code == 0:
        return samples.load(result)
    raise _failure(code, driver.log_tail(), run)


def offer_with_workers(
    run: LoadRun,
    targets: Sequence[Target],
    folder: Path,
    workers: Workers,
    env: Mapping[str, str],
) -> Samples:
    """Run several generators under Locust's master; their samples come back merged."""
    orders, result = _write_orders(run, targets, folder, "master")
    master = [sys.executable, "-m", "graders.load.master", str(orders), str(result)]
    master += [str(workers.count), str(workers.port)]
    environment = _environment(run, env)
    with ExitStack() as stack:
        leading = stack.enter_context(
            Supervised(master, env=environment, cwd=folder, log=folder / "master.log")
        )
        everyone = [leading]
        for index in range(workers.count if workers.here else 0):
            log = folder / f"worker-{index}.log"
            command = worker_command(run.locustfile, "127.0.0.1", workers.port)
            started = Supervised(command, env=environment, cwd=folder, log=log)
            everyone.append(stack.enter_context(started))
        code = leading.exit_code(run.patience_s + WAIT_FOR_WORKERS_S)
    if code == 0:
        return samples.load(result)
    raise _failure(code, [line for one in everyone for line in one.log_tail(5)], run)


def worker_command(locustfile: str, host: str, port: int) -> list[str]:
    """Return the command of a generator that takes its orders from a master."""
    return [sys.executable, "-m", "graders.load.worker", locustfile, host, str(port)]


def _write_orders(
    run: LoadRun, targets: Sequence[Target], folder: Path, name: str
) -> tuple[Path, Path]:
    orders = folder / f"{name}.json"
    orders.write_text(Orders(run, tuple(targets), os.getpid()).to_json())
    return orders, folder / f"{name}.npz"


def _environment(run: LoadRun, env: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **env, "LAB_SEED": str(run.seed)}


def wait_until_quiet() -> None:
    """Wait until half of the machine is idle for a second, at most QUIET_PATIENCE_S."""
    deadline_s = time.monotonic() + QUIET_PATIENCE_S
    while time.monotonic() < deadline_s:
        if psutil.cpu_percent(interval=1.0) < QUIET_PERCENT:
            return


def _failure(code: int | None, log: Sequence[str], run: LoadRun) -> LabError | MachineError:
    if code == LAB_FAULT:
        return LabError(
            f"The user {run.user!r} of {run.locustfile} can't be run.",
            "Correct the locustfile; try it with `locust -f`.",
            log,
        )
    how = "did not end in time" if code is None else f"ended with exit code {code}"
    return MachineError(f"The load generator {how}.", "Read its last lines below.", log)
