"""From a save to the first answer, as a learner waits for it; and where that time goes."""

import shutil
import statistics
import time
from pathlib import Path

from benchmarks.row import Row
from graders.labs import find_lab
from graders.manifest import load_manifest
from graders.model import CheckResult, PhaseBegun
from graders.processes import run_folder
from graders.watch.content import fingerprint
from graders.watch.grader import Grader
from graders.watch.messages import Job, Ready

LABS = ("url_shortener", "slow_query", "api_security", "caching")
REPEATS = 5
POLL_S = 0.005


def measure() -> list[Row]:
    """Save a solution, with a grading process ready and without one; wait for the first check."""
    rows = []
    for name in LABS:
        lab = find_lab(name)
        manifest = load_manifest(lab)
        loaded = manifest.judged_by_load("timed", "counted")
        job = Job(
            tuple(one.id for one in manifest.requirements if one.id not in loaded), (), False, 1
        )
        with run_folder() as folder:
            work = folder / "work"
            shutil.copytree(lab / str(manifest.lab.reference), work)
            _times(lab, work, job, ready=True)  # fills caches
            for ready in (True, False):
                times = [_times(lab, work, job, ready=ready) for _ in range(REPEATS)]
                what = "process ready" if ready else "process not ready"
                rows += _rows(f"{name}, {what}", times)
    return rows


def _rows(what: str, times: list[dict[str, float]]) -> list[Row]:
    rows = []
    for phase, note in (
        ("hash", "of the folder"),
        ("begun", "until services start"),
        ("checks", "until the first check begins"),
        ("answer", "until the first answer"),
        ("gone", "cancelled then, until nothing is left"),
    ):
        figures = [one[phase] for one in times]
        rows.append(Row(f"{what}: {phase}", statistics.median(figures), "s", note))
    rows.append(Row(f"{what}: slowest answer", max(one["answer"] for one in times), "s"))
    return rows


def _times(lab: Path, work: Path, job: Job, *, ready: bool) -> dict[str, float]:
    """Return when what happened, in seconds after the save."""
    with Grader(lab, work, "embedded") as grader:
        if ready:
            grader.prepare()
            assert grader.ahead
            while not any(isinstance(one, Ready) for one in grader.ahead.messages()):
                time.sleep(POLL_S)
        saved_s = time.monotonic()
        fingerprint(work)
        times = {"hash": time.monotonic() - saved_s}
        grader.begin(job)
        while "gone" not in times:
            for message in grader.happened():
                now_s = time.monotonic() - saved_s
                if isinstance(message, PhaseBegun):
                    times.setdefault("checks" if "begun" in times else "begun", now_s)
                if isinstance(message, CheckResult) and "answer" not in times:
                    times["answer"] = now_s
                    grader.cancel()
                if message is None:
                    times["gone"] = now_s - times["answer"]
            time.sleep(POLL_S)
        return times
