"""Recorded figures, found in reports and put into words."""

import re
from collections.abc import Iterator, Sequence

from graders.model import LoadFigures, Report, ThresholdResult

COUNTED = re.compile(r"(?:(?P<endpoint>.+)\.)?(?P<metric>[a-z_]+)(?:@\d+)?")


def number(value: float) -> str:
    """Return a figure as people write it: three digits, whole from 100 on."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 or not value else f"{value:.1e}"


def quantity(metric: str, value: float) -> str:
    """Return the figure of a metric with its unit."""
    if metric.endswith("_ms") or metric == "cpu_ms_per_request":
        return f"{number(value)} ms"
    if metric.endswith("_fraction"):
        return f"{number(100 * value)} %"
    return number(value)


def load_of(report: Report, profile: str) -> LoadFigures | None:
    """Return what a load profile showed in an attempt, if it ran."""
    return next((one for one in report.loads if one.profile == profile), None)


def figure(load: LoadFigures, metric: str, endpoint: str | None = None) -> float | None:
    """Return one metric of a load run; of a counted one the largest of its classes and sizes."""
    if metric == "error_fraction":
        return load.submission.errors / load.submission.offered if load.submission.offered else None
    if load.mode == "timed":
        value: float | None = getattr(load.submission, metric)
        return value
    return max(_counted(load, metric, endpoint), default=None)


def _counted(load: LoadFigures, metric: str, endpoint: str | None) -> Iterator[float]:
    for key, value in load.per_request.items():
        named = COUNTED.fullmatch(key)
        if not named or named["metric"] != metric:
            continue
        if not endpoint or named["endpoint"] in (endpoint, None):  # a single class has no name
            yield value


def thresholds_of(report: Report, profile: str, metric: str) -> Sequence[ThresholdResult]:
    """Return the limits on a metric of a load profile, as they were judged in an attempt."""
    return [one for one in report.thresholds if (one.profile, one.metric) == (profile, metric)]
