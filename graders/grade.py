"""One submission graded, in a straight line from services to report."""

import contextlib
import dataclasses
import datetime
import os
import platform
import secrets
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graders.checks.context import (
    Context,
    Findings,
    Order,
    Place,
    context_at,
    open_context,
)
from graders.checks.session import run_checks
from graders.dictionary import load_dictionary, look_alike
from graders.errors import GradingError
from graders.manifest import Manifest
from graders.model import (
    START,
    EstimateResult,
    LoadFigures,
    PhaseBegun,
    Problem,
    Progress,
    Report,
)
from graders.processes import disk_error, run_folder
from graders.report.printable import printable
from graders.verdict import judge_requirements, judge_submission

SCHEMA_VERSION = 1
ESTIMATE_LIMIT_BYTES = 64 << 10


@dataclasses.dataclass
class Course:
    """What becomes known in the course of a grade, as far as it gets."""

    machine: dict[str, str]
    phases_s: dict[str, float] = dataclasses.field(default_factory=dict)
    findings: Findings = dataclasses.field(default_factory=Findings)
    content_hash: str = ""
    estimates: tuple[EstimateResult, ...] = ()
    problem: Problem | None = None

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Note how long a phase takes."""
        started_s = time.monotonic()
        try:
            yield
        finally:
            self.phases_s[name] = round(time.monotonic() - started_s, 3)


def grade(order: Order, progress: Progress, place: Place | None = None) -> Report:
    """Grade a submission; problems become part of the report, only Ctrl-C comes out as itself.

    Services are started for it, and end with it, unless a `place` has some that nobody used.
    """
    started_at, started_s = datetime.datetime.now(datetime.UTC), time.monotonic()
    course = Course(describe_machine(order))
    try:
        _go_through(order, progress, course, place)
    except GradingError as error:
        course.problem = Problem(error.culprit, error.problem, error.next_step, error.log)
    except OSError as error:
        refused = disk_error(error, order.cache)
        course.problem = Problem(refused.culprit, refused.problem, refused.next_step)
    return printable(_report(order, course, started_at, time.monotonic() - started_s))


def _go_through(order: Order, progress: Progress, course: Course, place: Place | None) -> None:
    with contextlib.ExitStack() as stack:
        progress(PhaseBegun(START))
        with course.phase(START):
            context = (
                context_at(place, order, progress)
                if place
                else stack.enter_context(_open_context(order, progress))
            )
        course.findings, course.content_hash = context.findings, context.submission.content_hash
        servers = context.stand.servers.items()
        course.machine |= {name: server.description for name, server in servers}
        try:
            with course.phase("checks"):
                run_checks(context)
        finally:  # what follows from its end is not to be blamed on the services
            for phase, seconds in context.phases.times_s.items():
                course.phases_s[phase] = round(seconds, 3)
            context.stand.require_within_limits()
        course.estimates = compare_estimates(
            order.manifest, context.submission.original, context.findings
        )


@contextlib.contextmanager
def _open_context(order: Order, progress: Progress) -> Iterator[Context]:
    with run_folder() as folder, open_context(order, folder, progress) as context:
        yield context


def _report(
    order: Order, course: Course, started_at: datetime.datetime, duration_s: float
) -> Report:
    findings, problem = course.findings, course.problem
    requirements = judge_requirements(
        order.manifest, findings.checks, order.requirements, ended_early=problem is not None
    )
    return Report(
        schema_version=SCHEMA_VERSION,
        attempt=f"{started_at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        lab=order.lab.resolve().name,
        title=order.manifest.lab.title,
        started_at=started_at.isoformat(timespec="milliseconds"),
        duration_s=round(duration_s, 3),
        seed=order.seed,
        submission=order.shown_as or str(order.source),
        content_hash=course.content_hash,
        machine=course.machine,
        phases_s=course.phases_s,
        verdict=judge_submission(requirements, problem),
        requirements=requirements,
        thresholds=tuple(findings.thresholds),
        loads=tuple(findings.loads),
        estimates=course.estimates,
        problem=problem,
        log=findings.log,
        look_alike=look_alike(requirements, load_dictionary(order.lab), order.manifest),
        timelines=tuple(findings.timelines),
        growth=tuple(findings.growth),
    )


def compare_estimates(
    manifest: Manifest, submission: Path, findings: Findings
) -> tuple[EstimateResult, ...]:
    """Set the learner's predictions beside what was measured."""
    predictions = _predictions(submission / "estimate.toml")
    results = []
    for estimate in manifest.estimates:
        predicted = _positive(predictions.get(estimate.key))
        measured = _measured(estimate.measured_by, findings)
        factor = predicted / measured if predicted and measured else None
        results.append(
            EstimateResult(estimate.key, estimate.title, estimate.unit, predicted, measured, factor)
        )
    return tuple(results)


def _predictions(file: Path) -> dict[str, Any]:
    """Read what a submission may have changed while it ran: no link, and nothing endless."""
    if file.is_symlink() or not file.is_file():
        return {}
    try:
        if file.stat().st_size > ESTIMATE_LIMIT_BYTES:
            return {}
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _positive(value: object) -> float | None:
    if not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        return None
    return float(value)


def _measured(source: str, findings: Findings) -> float | None:
    if source in findings.recorded:
        return findings.recorded[source]
    profile, _, metric = source.partition(".")
    for figures in findings.loads:
        if figures.profile == profile:
            return _figure(figures, metric)
    return None


def _figure(figures: LoadFigures, metric: str) -> float | None:
    submission = dataclasses.asdict(figures.submission)
    return figures.per_request.get(metric, submission.get(metric))


def describe_machine(order: Order) -> dict[str, str]:
    """Return what a reader of the report may need to know about this machine."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "services": order.services,
        "sandbox": order.containment.sentence,
    }
