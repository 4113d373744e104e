"""The pictures of a report. Importing this costs half a second, for Matplotlib."""

from collections.abc import Sequence

from graders.model import LoadFigures, Report, Work
from graders.report.pictures.canvas import Picture
from graders.report.pictures.limits import limits
from graders.report.pictures.rates import rates
from graders.report.pictures.times import distribution, limits_of, percentiles
from graders.report.pictures.work import counters, grows, growth

__all__ = ["Picture", "growth_pictures", "limit_pictures", "load_pictures"]


def limit_pictures(report: Report) -> list[Picture]:
    """Return the picture of all limits, if any figure was measured."""
    picture = limits(report.thresholds)
    return [picture] if picture else []


def load_pictures(report: Report, load: LoadFigures, key: str = "load") -> list[Picture]:
    """Return what can be drawn of a load profile; `key` is its own on the page."""
    pictures = []
    if load.series:
        bounds = limits_of(load, report.thresholds)
        pictures.append(percentiles(key, load, load.series, bounds))
        pictures.append(distribution(key, load, load.series))
        pictures.append(rates(key, load, load.series))
    if any(one.points for one in load.work):
        pictures.append(counters(key, load))
    return [*pictures, *_grown(key, load.work)]


def growth_pictures(report: Report) -> list[Picture]:
    """Return what checks measured at several sizes."""
    return _grown("checks", report.growth)


def _grown(key: str, works: Sequence[Work]) -> list[Picture]:
    by_title: dict[str, list[Work]] = {}
    for one in works:
        if grows(one):
            by_title.setdefault(one.title, []).append(one)
    return [
        growth(f"{key}-growth-{number}", title, lines)
        for number, (title, lines) in enumerate(by_title.items())
    ]
