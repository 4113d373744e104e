"""Our open-loop generator beside plain Locust, against servers of known latency law."""

import csv
import os
import socket
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.row import Row
from benchmarks.servers import LAWS, true_percentile_ms
from graders.load import LoadRun, Target, offer
from graders.processes import Supervised, free_port, run_folder

RATE_RPS, DURATION_S = 100.0, 12.0
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
USERS = 10


def measure() -> list[Row]:
    """Compare p95 and p99 of both generators with the truth, per law."""
    rows = []
    with run_folder() as folder:
        for law in LAWS:
            port = free_port()
            command = [sys.executable, "-m", "benchmarks.servers", law, str(port)]
            with Supervised(command, env=os.environ, cwd=Path.cwd(), log=folder / f"{law}.log"):
                _wait_until_open(port)
                ours, plain = _ours(folder, law, port), _plain(folder, law, port)
            for percent in (95, 99):
                truth_ms = true_percentile_ms(law, percent)
                note = f"truth {truth_ms:.0f}, plain Locust says {plain[percent]:.0f}"
                rows.append(Row(f"{law} p{percent}", ours[percent], "ms", note))
            rows.append(Row(f"{law} CPU per request", ours["cpu"], "ms", "of the generator"))
    return rows


def _wait_until_open(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


def _ours(folder: Path, law: str, port: int) -> dict[int | str, float]:
    target = Target((f"http://127.0.0.1:{port}",), ())
    run = LoadRun(str(LOCUSTFILE), "GetUser", RATE_RPS, DURATION_S, 1.0, 7, (target,))
    samples = offer(run, folder, f"ours-{law}", {})
    from_start_ms = samples.latency_ms + samples.late_ms
    figures: dict[int | str, float] = {
        percent: float(np.percentile(from_start_ms, percent)) for percent in (95, 99)
    }
    figures["cpu"] = samples.generator_cores * DURATION_S * 1000 / len(samples.latency_ms)
    return figures


def _plain(folder: Path, law: str, port: int) -> dict[int, float]:
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
    command += ["--host", f"http://127.0.0.1:{port}", "--csv", str(prefix), "--only-summary"]
    log = folder / f"plain-{law}.log"
    with Supervised(command, env=os.environ, cwd=folder, log=log) as locust:
        locust.exit_code(DURATION_S + 30)
    with Path(f"{prefix}_stats.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["Name"] == "get")
    return {95: float(row["95%"]), 99: float(row["99%"])}
