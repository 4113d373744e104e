"""What the page of a report says, line by line; drawings by their words."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.model import (
    Curve,
    Exchange,
    LoadSeries,
    Mark,
    Plan,
    PlanNode,
    Rates,
    Report,
    RequirementResult,
    TargetSeries,
    Work,
)
from graders.report.html import to_html
from tests.golden.test_reports import stopped
from tests.outline import outline

EXPECTED = Path(__file__).with_name("expected")
ASKED = Exchange(
    method="POST",
    url="http://127.0.0.1:8000/entries",
    request_headers=(("Content-Type", "application/json"),),
    request_body='{"text": "<b>"}',
    request_bytes=15,
    status=500,
    response_headers=(("content-type", "text/html"),),
    response_body="<h1>no</h1>…",
    response_bytes=4400,
    elapsed_ms=12.3,
)
PLAN = Plan(
    "the newest entries",
    (
        PlanNode(0, "Limit", "", 10.0, 10.0, 1, 0, 0.1),
        PlanNode(1, "Sort", "Sort Key: made_at DESC", 5e4, 10.0, 1, 12, 3.0),
        PlanNode(2, "Seq Scan on entries", "(NOT gone)", 5e4, 5e4, 1, 4000, 31.0, ("costliest",)),
    ),
    4012,
)
SERIES = LoadSeries(
    edges_ms=(1.0, 2.0, 4.0, 8.0),
    percents=(50.0, 95.0, 99.0),
    edges_s=(0.0, 2.0, 4.0),
    run_ends_s=(2.0, 4.0),
    submission=TargetSeries(
        (100, 290, 8),
        Curve((2.0, 4.0, None), (1.8, 3.5, 7.0), (2.2, 4.5, None)),
        Rates((100.0, 100.0), (100.0, 98.0), (0.0, 1.0)),
    ),
    reference=TargetSeries(
        (300, 96, 4),
        Curve((1.0, 2.0, 5.0), (), ()),
        Rates((100.0, 100.0), (100.0, 100.0), (0.0, 0.0)),
    ),
    faults=(Mark(1.0, 1.5, "Redis is cut off"),),
)
BLOCKS = Work("Blocks touched", "page", ((1000, 4.0), (4000, 16.0)), max=12.0, max_slope=0.5)


def with_more(requirement: RequirementResult) -> RequirementResult:
    """Return a requirement whose failures show what was asked, and the plan of a query."""
    checks = tuple(
        dataclasses.replace(
            one, feedback=dataclasses.replace(one.feedback, exchange=ASKED, plans=(PLAN,))
        )
        if one.feedback
        else one
        for one in requirement.checks
    )
    return dataclasses.replace(
        requirement,
        checks=checks,
        impact="Whoever reads an entry runs it.",
        references=("CWE-79",),
        read="README.md, Entries",
    )


def measured(report: Report) -> Report:
    """Return the report with one failure, shown in full, and all that can be drawn."""
    timed = dataclasses.replace(report.loads[0], series=SERIES)
    counted = dataclasses.replace(
        timed, profile="hot", rate_rps=None, series=None, reference=None, work=(BLOCKS,)
    )
    return dataclasses.replace(
        report,
        requirements=(with_more(report.requirements[1]),),
        loads=(timed, counted),
        growth=(dataclasses.replace(BLOCKS, of="search"),),
    )


PAGES: dict[str, Callable[[Report], Report]] = {
    "failed": lambda report: report,
    "problem": stopped,
    "measured": measured,
}


@pytest.mark.parametrize("variant", PAGES)
def test_the_page_says(variant: str, report: Report, compare: Callable[[Path, str], None]) -> None:
    compare(EXPECTED / f"page-{variant}.txt", outline(to_html(PAGES[variant](report))))


def test_what_a_drawing_is_made_of_is_left_out() -> None:
    drawing = '<path d="M 0 0"/><text>5 ms</text><g><title>a bar</title></g>'
    page = f'<figure><svg role="img"><title>Times</title><desc>All fast.</desc>{drawing}</svg>'
    assert outline(f"{page}</figure>") == "figure\n  img\n    title  Times\n    desc  All fast.\n"
