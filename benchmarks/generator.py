"""Our open-loop generator beside plain Locust, against servers of known latency law."""

import csv
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.row import Row
from benchmarks.running import running
from benchmarks.servers import LAWS, true_percentile_ms
from graders.load import LoadRun, Target, offer
from graders.manifest import LoadProfile
from graders.processes import Supervised, run_folder
from graders.thresholds import invalid_reason

RATE_RPS, DURATION_S = 100.0, 12.0
RATES_RPS = (100.0, 400.0, 800.0, 1500.0)
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
USERS = 10


def measure() -> list[Row]:
    """Compare p95 and p99 of both generators with the truth, per law."""
    rows = []
    with run_folder() as folder:
        for law in LAWS:
            with running(law, folder) as target:
                ours, plain = _ours(folder, law, target), _plain(folder, law, target)
            for percent in (95, 99):
                truth_ms = true_percentile_ms(law, percent)
                note = f"truth {truth_ms:.0f}, plain Locust says {plain[percent]:.0f}"
                rows.append(Row(f"{law} p{percent}", ours[percent], "ms", note))
        rows += _cost(folder)
    return rows


def _cost(folder: Path) -> list[Row]:
    """Offer more and more to a server that answers at once."""
    rows = []
    with running("constant", folder) as target:
        for rate_rps in RATES_RPS:
            run = LoadRun(str(LOCUSTFILE), "GetUser", rate_rps, DURATION_S / 2, 1.0, 7)
            samples = offer(run, [target], folder, f"rate-{rate_rps:.0f}", {})
            cost_ms = samples.generator_cores * 1000 / rate_rps
            invalid = invalid_reason(samples, LoadProfile(user="GetUser"))
            note = (
                f"{samples.generator_cores:.2f} cores, lag p99 {samples.send_lag_p99_ms:.1f} ms: "
                f"{'clean' if invalid is None else 'invalid'}"
            )
            rows.append(Row(f"generator per request at {rate_rps:.0f}/s", cost_ms, "ms CPU", note))
    return rows


def _ours(folder: Path, law: str, target: Target) -> dict[int, float]:
    run = LoadRun(str(LOCUSTFILE), "GetUser", RATE_RPS, DURATION_S, 1.0, 7)
    samples = offer(run, [target], folder, f"ours-{law}", {})
    from_start_ms = samples.latency_ms + samples.late_ms
    return {percent: float(np.percentile(from_start_ms, percent)) for percent in (95, 99)}


def _plain(folder: Path, law: str, target: Target) -> dict[int, float]:
    prefix = folder / f"plain-{law}"
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"]
    command += [
        "--users",
        str(USERS),
        "--spawn-rate",
        str(USERS),
        "--run-time",
        f"{round(DURATION_S)}s",
    ]
    command += ["--host", target.base_urls[0], "--csv", str(prefix), "--only-summary"]
    log = folder / f"plain-{law}.log"
    with Supervised(command, env=os.environ, cwd=folder, log=log) as locust:
        locust.exit_code(DURATION_S + 30)
    with Path(f"{prefix}_stats.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["Name"] == "get")
    return {95: float(row["95%"]), 99: float(row["99%"])}
