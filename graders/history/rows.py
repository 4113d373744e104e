"""A report as rows of the history."""

import datetime
import math
from collections.abc import Iterator
from pathlib import Path

from graders.history.tables import (
    Attempt,
    Counter,
    LimitFigure,
    LoadFigure,
    PhaseTime,
    RequirementOutcome,
    TailFigure,
)
from graders.model import Report


def attempt_row(report: Report, folder: Path) -> Attempt:
    """Return an attempt with all that hangs on it; `folder` is where its report lies."""
    return Attempt(
        attempt=report.attempt,
        lab=report.lab,
        submission=report.submission,
        content_hash=report.content_hash,
        started_at=datetime.datetime.fromisoformat(report.started_at),
        duration_s=report.duration_s,
        seed=report.seed,
        outcome=report.verdict.outcome.value,
        earned=report.verdict.earned,
        points=report.verdict.points,
        complete=report.verdict.complete,
        report_folder=str(folder),
        requirements=[
            RequirementOutcome(requirement=one.id, outcome=one.outcome.value)
            for one in report.requirements
        ],
        phases=[PhaseTime(phase=name, duration_s=one) for name, one in report.phases_s.items()],
        limits=list(_limits(report)),
        loads=list(_loads(report)),
        tails=list(_tails(report)),
        counters=list(_counters(report)),
    )


def _limits(report: Report) -> Iterator[LimitFigure]:
    for number, one in enumerate(report.thresholds):
        yield LimitFigure(
            number=number,
            requirement=one.requirement,
            profile=one.profile,
            metric=one.metric,
            outcome=one.outcome.value,
            measured=_finite(one.measured),
            reference=_finite(one.reference),
            ratio=_finite(one.ratio.estimate) if one.ratio else None,
            ratio_low=_finite(one.ratio.low) if one.ratio else None,
            ratio_high=_finite(one.ratio.high) if one.ratio else None,
            max=one.max,
            max_ratio=one.max_ratio,
        )


def _loads(report: Report) -> Iterator[LoadFigure]:
    for one in report.loads:
        if one.mode == "timed":
            reference = one.reference
            yield LoadFigure(
                profile=one.profile,
                runs=one.runs,
                p50_ms=_finite(one.submission.p50_ms),
                p95_ms=_finite(one.submission.p95_ms),
                cpu_ms_per_request=_finite(one.submission.cpu_ms_per_request),
                reference_p50_ms=_finite(reference.p50_ms) if reference else None,
                reference_p95_ms=_finite(reference.p95_ms) if reference else None,
                reference_cpu_ms_per_request=_finite(reference.cpu_ms_per_request)
                if reference
                else None,
            )


def _tails(report: Report) -> Iterator[TailFigure]:
    for one in report.loads:
        if one.mode == "timed":
            yield TailFigure(profile=one.profile, p99_ms=_finite(one.submission.p99_ms))


def _counters(report: Report) -> Iterator[Counter]:
    for load in report.loads:
        for name, value in load.per_request.items():
            if math.isfinite(value):
                yield Counter(profile=load.profile, name=name, value=value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
