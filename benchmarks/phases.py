"""Where the wall-clock time of a whole grade goes."""

import time
from pathlib import Path

from benchmarks.row import Row
from graders.attempts import Wishes, order
from graders.grade import grade
from graders.processes import run_folder
from graders.sandbox import HostNetwork
from graders.services import serve
from graders.state import cache_folder

LAB = "url_shortener"
SERVICE_STARTS = 5


def measure() -> list[Row]:
    """Start services warm, then grade the reference solution with and without load."""
    rows = [Row("services up, warm template (median)", _services_s(), "s", "PostgreSQL and Redis")]
    source = Path("labs") / LAB / "solutions" / "sequence_hashids"
    for what, load in (("correctness stages", False), ("whole grade with load", True)):
        started_s = time.monotonic()
        report = grade(order(Wishes(LAB, source, load=load, seed=1)), lambda _result: None)
        rows.append(Row(what, time.monotonic() - started_s, "s", report.verdict.outcome.value))
        rows += [Row(f"  phase {name}", value, "s") for name, value in report.phases_s.items()]
        for stage in dict.fromkeys(one.stage for one in report.requirements):
            ours = [one for one in report.requirements if one.stage == stage]
            checks_s = sum(check.duration_s for one in ours for check in one.checks)
            rows.append(Row(f"  checks of {stage}", checks_s, "s", "without starting apps"))
    return rows


def _services_s() -> float:
    times_s = []
    for _ in range(SERVICE_STARTS):
        with run_folder() as folder:
            started_s = time.monotonic()
            with (
                serve(
                    ["postgres", "redis"], "embedded", folder, cache_folder(), [], HostNetwork()
                ) as servers,
                servers["postgres"].provision(),
                servers["redis"].provision(),
            ):
                times_s.append(time.monotonic() - started_s)
    return sorted(times_s)[SERVICE_STARTS // 2]
