"""The report's pictures: well-formed, described, the same every time, whatever is known."""

import dataclasses
import math
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.model import (
    Curve,
    Interval,
    LoadFigures,
    LoadSeries,
    Mark,
    Outcome,
    Rates,
    Report,
    TargetSeries,
    ThresholdResult,
    Work,
)
from graders.report.html import to_html
from graders.report.json_report import from_json, to_json
from graders.report.pictures import growth_pictures, limit_pictures, load_pictures
from graders.report.pictures.canvas import VARIABLES, Picture
from graders.report.pictures.limits import used
from graders.report.pictures.times import limits_of
from graders.samples import Samples
from graders.thresholds import load_series

SVG = "{http://www.w3.org/2000/svg}"
FAULT = Mark(2.0, 3.5, 'Redis is <cut> off & "gone" for $1, $2')
GROWN = Work("Blocks touched", "hot", ((1000, 4.0), (4000, 16.0)), max=12.0, max_slope=0.5)


def figures(report: Report, series: LoadSeries | None, *work: Work) -> LoadFigures:
    return dataclasses.replace(report.loads[0], series=series, work=work)


def only(pictures: list[Picture], caption: str) -> Picture:
    [found] = [one for one in pictures if one.caption.startswith(caption)]
    return found


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def described(svg: str) -> tuple[str, str]:
    """Return title and description of a picture, by the names that its root refers to."""
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    by_id = {one.get("id"): one.text or "" for one in root.iter()}
    title, words = (by_id[one] for one in (root.get("aria-labelledby") or "").split())
    return title, words


@pytest.fixture(scope="module")
def series(make_run: Callable[..., Samples]) -> LoadSeries:
    run = make_run([[2.0, 3.0, 4.0, 80.0] * 30, [1.0, 2.0, 2.0, 4.0] * 30], failed=[5])
    return load_series([run, run], [FAULT])


def test_a_load_is_drawn_as_curves_distribution_and_rates(
    report: Report, series: LoadSeries
) -> None:
    pictures = load_pictures(report, figures(report, series))
    captions = ["Percentiles with", "How long answers took", "Offered and achieved"]
    for picture, caption in zip(pictures, captions, strict=True):
        assert picture.caption.startswith(caption)
        [svg] = picture.svgs
        assert described(svg) == (picture.caption, picture.words)
        assert {len(row) for row in picture.rows} == {len(picture.header)}


def test_curves_say_figures_intervals_and_limits(report: Report, series: LoadSeries) -> None:
    limit = dataclasses.replace(report.thresholds[0], max=50.0)
    judged = dataclasses.replace(report, thresholds=(limit,))
    curves = only(load_pictures(judged, figures(report, series)), "Percentiles")
    assert "50 % within 4 ms (90 % interval 3 ms to 4 ms)" in curves.words
    assert "The limit at 95 % is 50 ms." in curves.words
    assert "The limit at 95 % is 4 ms, which is 2 × reference." in curves.words
    shown = texts(curves.svgs[0])
    assert {"p95: 50 ms", "p95: 2 × reference", "yours", "reference", "limit"} <= {*shown}
    assert ("50", "4", "3 to 4", "2", "2 to 2") in curves.rows


def test_a_limit_far_away_is_said_and_does_not_squeeze_the_curves(
    report: Report, series: LoadSeries
) -> None:
    far = dataclasses.replace(report.thresholds[0], max=1e6, max_ratio=None)
    judged = dataclasses.replace(report, thresholds=(far,))
    curves = only(load_pictures(judged, figures(report, series)), "Percentiles")
    assert "The limit at 95 % is 1,000,000 ms." in curves.words
    assert not any("1,000,000" in text for text in texts(curves.svgs[0]))


def test_only_limits_of_the_profiles_percentiles_are_drawn(report: Report) -> None:
    limit = report.thresholds[0]
    others = (
        dataclasses.replace(limit, profile="other"),
        dataclasses.replace(limit, metric="cpu_ms_per_request"),
        dataclasses.replace(limit, reference=None),
    )
    assert limits_of(report.loads[0], others) == []


def test_rates_show_faults_and_the_ends_of_runs_and_what_failed(
    report: Report, series: LoadSeries
) -> None:
    rates = only(load_pictures(report, figures(report, series)), "Offered")
    assert FAULT.what in texts(rates.svgs[0])
    assert {"offered", "failed"} <= {*texts(rates.svgs[0])}
    assert "12 seconds in 2 runs." in rates.words
    assert "offered 20 a second" in rates.words
    assert "2 failed" in rates.words
    assert f"From second 2 to 3.5: {FAULT.what}." in rates.words
    assert len(rates.rows) == 12


def test_a_single_run_is_called_one(report: Report, make_run: Callable[..., Samples]) -> None:
    load = figures(report, load_series([make_run([[2.0] * 60, [1.0] * 60])]))
    rates = only(load_pictures(report, load), "Offered")
    assert rates.words.startswith("6 seconds in 1 run.")
    assert {"0", "2", "4", "6"} <= {*texts(rates.svgs[0])}


def test_counters_stand_beside_their_limits(report: Report) -> None:
    works = [
        Work("SQL statements per request", "hot", ((None, 0.0),), max=0.1),
        Work("Bytes sent per request", "hot", ((None, 5120.0),)),
    ]
    counters = only(load_pictures(report, figures(report, None, *works)), "Work per request")
    assert {"0  (limit 0.1)", "5,120", "SQL statements"} <= {*texts(counters.svgs[0])}
    assert ("SQL statements per request", "hot", "0", "0.1") in counters.rows


def test_growth_has_a_picture_for_each_line_and_one_table(report: Report) -> None:
    flat = Work("Blocks touched", "cold", ((1000, 4.0), (4000, 4.0)))
    other = Work("Rows read", "", ((1000, 0.0), (4000, 0.0)), "links")
    once = Work("Blocks touched", "large", ((4000, 4.0),))
    grown = growth_pictures(dataclasses.replace(report, growth=(GROWN, flat, other, once)))
    blocks, rows = grown
    assert len(blocks.svgs) == 2
    assert {"4", "16", "1,000", "4,000", "hot"} <= {*texts(blocks.svgs[0])}
    assert "hot: 4 at 1,000, 16 at 4,000 rows. The limit is 12." in blocks.words
    assert blocks.rows == (("hot", "4", "16", "12", "0.5"), ("cold", "4", "4", "–", "–"))
    assert rows.caption == "Rows read, as the data grows"
    assert {"0", "links"} <= {*texts(rows.svgs[0])}


def test_growth_of_a_counted_profile_is_drawn_with_it(report: Report) -> None:
    pictures = load_pictures(report, figures(report, None, GROWN))
    assert [len(one.svgs) for one in pictures] == [1, 1]
    assert pictures[1].caption == "Blocks touched, as the data grows"


def test_limits_are_compared_by_what_was_used_of_them() -> None:
    one = ThresholdResult(
        "fast",
        "pages",
        "p95_ms",
        Outcome.PASSED,
        "",
        20.0,
        10.0,
        Interval(2.0, 1.0, 3.0),
        80.0,
        4.0,
    )
    ratio, ceiling = used(one)
    assert (ratio.share, ratio.low, ratio.high) == (0.5, 0.25, 0.75)
    assert (ceiling.share, ceiling.name) == (0.25, "pages, p95_ms")
    unknown = dataclasses.replace(one, measured=None, ratio=None)
    assert list(used(unknown)) == []


def test_all_limits_are_in_one_picture(report: Report) -> None:
    [limits] = limit_pictures(report)
    assert limits.rows == (("pages, p95_ms ratio", "100%", "90% to 130%", "inconclusive"),)
    unknown = dataclasses.replace(report.thresholds[0], ratio=None)
    assert limit_pictures(dataclasses.replace(report, thresholds=(unknown,))) == []


@pytest.mark.parametrize("latencies_ms", [[[], []], [[3.0], []], [[3.0], [4.0]], [[3.0]]])
def test_next_to_nothing_can_be_drawn_as_well(
    report: Report, make_run: Callable[..., Samples], latencies_ms: list[list[float]]
) -> None:
    load = figures(report, load_series([make_run(latencies_ms)]))
    for picture in load_pictures(report, load):
        assert described(picture.svgs[0])[1]


def test_requests_that_all_failed_can_be_drawn_as_well(
    report: Report, make_run: Callable[..., Samples]
) -> None:
    load = figures(report, load_series([make_run([[3.0] * 9, [3.0] * 9], failed=range(9))]))
    curves = only(load_pictures(report, load), "Percentiles")
    assert "50 % within unlimited time" in curves.words
    assert ("50", "∞", "∞ to ∞", "3", "3 to 3") in curves.rows


NUMBER = st.floats(0, 1e4) | st.sampled_from([0.0, 1e-9, 1e12])


@settings(max_examples=6)
@given(
    times=st.lists(st.none() | NUMBER, min_size=2, max_size=2),
    rate=NUMBER,
    limit=NUMBER,
    count=st.integers(0, 1 << 40),
)
def test_no_figure_breaks_a_picture(
    report: Report, times: list[float | None], rate: float, limit: float, count: int
) -> None:
    both = tuple(times)
    target = TargetSeries((count,), Curve(both, both, both), Rates((rate,), (0.0,), (rate,)))
    load = figures(
        report,
        LoadSeries((1.0, 2.0), (50.0, 95.0), (0.0, 0.5), (0.5,), target, target),
        Work("Blocks", "all", ((1, limit), (4, rate)), max=limit, max_slope=2.0),
    )
    threshold = dataclasses.replace(report.thresholds[0], max=limit, measured=rate, reference=rate)
    drawn = dataclasses.replace(report, thresholds=(threshold,))
    for picture in [*load_pictures(drawn, load), *limit_pictures(drawn)]:
        for svg in picture.svgs:
            assert not any(math.isnan(float(one)) for one in viewed(svg))


def viewed(svg: str) -> list[str]:
    return (ElementTree.fromstring(svg).get("viewBox") or "").split()


@pytest.fixture(scope="module")
def page(report: Report, series: LoadSeries) -> str:
    loads = tuple(
        dataclasses.replace(figures(report, series, GROWN), profile=name) for name in ("a b", "a-b")
    )
    return to_html(dataclasses.replace(report, loads=loads, growth=(GROWN,)))


def test_pictures_are_the_same_every_time(page: str, report: Report, series: LoadSeries) -> None:
    loads = tuple(
        dataclasses.replace(figures(report, series, GROWN), profile=name) for name in ("a b", "a-b")
    )
    assert to_html(dataclasses.replace(report, loads=loads, growth=(GROWN,))) == page


def test_the_page_has_every_colour_from_its_style_sheet(page: str) -> None:
    for svg in re.findall(r'<svg class="picture".*?</svg>', page, re.DOTALL):
        colours = {*re.findall(r"#[0-9a-f]{6}\b", svg), *re.findall(r"rgb\(", svg)}
        assert colours == set()
        assert "DejaVu" not in svg
    for variable in VARIABLES.values():
        assert page.count(f"--{variable}:") >= 1


def test_nothing_on_the_page_has_the_name_of_another(page: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    referred = re.findall(r'(?:url\(#|href="#)([^")]+)', page)
    assert set(referred) <= set(names)
    labelled = " ".join(re.findall(r'aria-labelledby="([^"]+)"', page)).split()
    assert set(labelled) <= set(names)


def test_series_are_part_of_report_json(report: Report, series: LoadSeries) -> None:
    drawn = dataclasses.replace(report, loads=(figures(report, series, GROWN),), growth=(GROWN,))
    assert from_json(to_json(drawn)) == drawn
