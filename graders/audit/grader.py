"""Grading one subject of an audit in a process of its own."""

import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from graders.audit.subjects import Plan, Subject
from graders.errors import MachineError
from graders.model import Report
from graders.processes import Supervised
from graders.report.json_report import from_json
from graders.state import cache_folder

GRADE_TIMEOUT_S = 900.0
SEED_LIMIT = 1_000_000


class Grader:
    """Grades one subject in a process of its own, so that grades share nothing.

    Leaving the context ends the grades that other threads have running.
    """

    def __init__(
        self, plan: Plan, folder: Path, finished: Callable[[tuple[Subject, int], Report], None]
    ) -> None:
        self.plan, self.folder, self.finished = plan, folder, finished
        self._lock = threading.Lock()
        self._running: set[Supervised] = set()
        self._left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._left = True
        for process in tuple(self._running):
            process.stop()

    def grade(self, job: tuple[Subject, int]) -> None:
        """Run `lab grade` on a subject, read its report and hand it to `finished`."""
        subject, number = job
        out = self.folder / f"{subject.role}-{subject.name}-{number}"
        with Supervised(
            self._command(subject, number, out),
            env=self._environment(),
            cwd=Path.cwd(),
            log=out.with_suffix(".log"),
            stop_signal=signal.SIGINT,
            grace_s=15.0,
        ) as process:
            self._running.add(process)
            code = process.exit_code(0 if self._left else GRADE_TIMEOUT_S)
        self._running.discard(process)
        try:
            report = from_json((out / "report.json").read_bytes())
        except OSError:
            raise MachineError(
                f"Grading {subject.source} ended with exit code {code} and without a report.",
                f"Run it by itself: lab grade {self.plan.lab} --from {subject.source}",
                process.log_tail(),
            ) from None
        with self._lock:
            if not self._left:  # what an interrupt cut short is no grade
                self.finished(job, report)

    def _environment(self) -> dict[str, str]:
        """Return the environment, with bytecode kept in the cache: grades are many."""
        kept = {key: one for key, one in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, "PYTHONPYCACHEPREFIX": str(cache_folder() / "bytecode")}

    def _command(self, subject: Subject, number: int, out: Path) -> list[str]:
        plan = self.plan
        seed = secrets.randbelow(SEED_LIMIT) if plan.seed is None else plan.seed + number
        command = [sys.executable, "-m", "graders", "grade", str(plan.lab)]
        command += ["--from", str(subject.source), "--out", str(out), "--no-record"]
        command += ["--seed", str(seed)]
        for requirement in subject.graded:
            command += ["-r", requirement]
        if subject.graded:
            command.append("--all")
        if not plan.load:
            command.append("--no-load")
        return command
