"""Starting the load generator, waiting for it, reading what it measured."""

import dataclasses
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders import samples
from graders.errors import LabError, MachineError
from graders.processes import Supervised
from graders.samples import Samples

OVERHEAD_S = 60.0
LAB_FAULT = 3


@dataclass(frozen=True)
class Target:
    """Somewhere to send load: its addresses (replicas) and the processes whose CPU time counts."""

    base_urls: tuple[str, ...]
    process_ids: tuple[int, ...]


@dataclass(frozen=True)
class LoadRun:
    """What to offer: arrivals per second and target, for how long, from which Locust user."""

    locustfile: str
    user: str
    rate_rps: float
    duration_s: float
    warmup_s: float
    seed: int
    targets: tuple[Target, ...]
    timeout_s: float = 5.0
    max_in_flight: int = 256


def offer(run: LoadRun, folder: Path, name: str, env: Mapping[str, str]) -> Samples:
    """Run the generator once; LabError when the locustfile is at fault."""
    spec, result = folder / f"{name}.json", folder / f"{name}.npz"
    spec.write_text(json.dumps(dataclasses.asdict(run)))
    command = [sys.executable, "-m", "graders.load.driver", str(spec), str(result)]
    with Supervised(
        command,
        env={**os.environ, **env, "LAB_SEED": str(run.seed)},
        cwd=folder,
        log=folder / f"{name}.log",
    ) as driver:
        code = driver.exit_code(run.warmup_s + run.duration_s + run.timeout_s + OVERHEAD_S)
    if code == 0:
        return samples.load(result)
    raise _failure(code, driver.log_tail(), run)


def _failure(code: int | None, log: Sequence[str], run: LoadRun) -> LabError | MachineError:
    if code == LAB_FAULT:
        return LabError(
            f"The user {run.user!r} of {run.locustfile} can't be run.",
            "Correct the locustfile; try it with `locust -f`.",
            log,
        )
    how = "did not end in time" if code is None else f"ended with exit code {code}"
    return MachineError(f"The load generator {how}.", "Read its last lines below.", log)
