"""The report as one self-contained HTML page."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2

from graders.model import EstimateResult, LoadFigures, Outcome, Report, RequirementResult
from graders.report.plans import branches, figure
from graders.report.timelines import drawn
from graders.report.words import MARKS
from graders.state import cache_folder

if TYPE_CHECKING:
    from graders.report.pictures import Picture


@dataclass(frozen=True)
class Share:
    """How many points of all became what."""

    outcome: Outcome
    points: int
    is_earned: bool = True


@dataclass(frozen=True)
class Drawings:
    """The pictures of a page; those of loads in the order of the report's loads."""

    limits: "list[Picture]"
    loads: "list[list[Picture]]"
    growth: "list[Picture]"


def to_html(report: Report) -> str:
    """Return a page that needs no network and no script."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("graders.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for one in (figure, branches, drawn, sides, estimates):
        environment.filters[one.__name__] = one
    stages: dict[str, list[RequirementResult]] = {}
    for requirement in report.requirements:
        stages.setdefault(requirement.stage, []).append(requirement)
    page = environment.get_template("report.html.j2")
    return page.render(
        report=report,
        stages=stages,
        marks=MARKS,
        shares=list(shares(report)),
        drawings=_drawings(report),
    )


def shares(report: Report) -> Iterator[Share]:
    """Yield how many points passed, failed and so on, and how many were taken by a gate."""
    for outcome in Outcome:
        ours = [one for one in report.requirements if one.outcome is outcome]
        points, earned = sum(one.points for one in ours), sum(one.earned for one in ours)
        if outcome is not Outcome.PASSED:
            earned = points
        if earned:
            yield Share(outcome, earned)
        if points > earned:
            yield Share(outcome, points - earned, is_earned=False)


def sides(load: LoadFigures) -> list[tuple[str, ...]]:
    """Return a row of figures for the submission, and one for the reference if there is one."""
    both = (("your submission", load.submission), ("reference solution", load.reference))
    return [
        (
            name,
            str(side.offered),
            str(side.errors),
            *(figure(one) for one in (side.p50_ms, side.p95_ms, side.p99_ms, side.worst_ms)),
            figure(side.cpu_ms_per_request),
        )
        for name, side in both
        if side
    ]


def estimates(results: tuple[EstimateResult, ...]) -> list[tuple[str, ...]]:
    """Return a row for each estimate."""
    return [
        (
            f"{one.title}, {one.unit}",
            figure(one.predicted),
            figure(one.measured),
            figure(one.factor),
        )
        for one in results
    ]


def _drawings(report: Report) -> Drawings:
    if not (report.loads or report.thresholds or report.growth):
        return Drawings([], [], [])
    # It keeps a list of fonts, which needs not be in anybody's home.
    os.environ.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))
    from graders.report import pictures  # half a second, so only where there is something to draw

    return Drawings(
        limits=pictures.limit_pictures(report),
        loads=[
            pictures.load_pictures(report, load, f"load-{number}")
            for number, load in enumerate(report.loads, start=1)
        ],
        growth=pictures.growth_pictures(report),
    )
