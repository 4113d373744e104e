"""The report as one self-contained HTML page."""

from importlib import resources

import jinja2

from graders.model import Report
from graders.report.plans import branches, figure
from graders.report.timelines import drawn
from graders.report.words import MARKS


def to_html(report: Report) -> str:
    """Return a page that needs no network and no script."""
    template = resources.files("graders.report").joinpath("templates/report.html.j2").read_text()
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["figure"] = figure
    environment.filters["branches"] = branches
    environment.filters["drawn"] = drawn
    stages = list(dict.fromkeys(one.stage for one in report.requirements))
    return environment.from_string(template).render(report=report, stages=stages, marks=MARKS)
