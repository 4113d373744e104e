"""The report's page in a real browser: on a phone, light and dark, by keyboard, without network."""

import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from graders.model import (
    Exchange,
    Mark,
    Outcome,
    Plan,
    PlanNode,
    Report,
    Work,
    exchange,
)
from graders.report.html import to_html
from graders.samples import Samples
from graders.thresholds import load_series
from tests.browser import Tab, open_browser

SCHEMES = ("light", "dark")
WIDTHS = {"phone": 360, "desk": 1280}
LEAST_CONTRAST, LEAST_CONTRAST_OF_LINES = 4.5, 3.0
LONG = "a_name_without_any_place_to_break_" * 8
COUNTED = "Database blocks touched per request"

# Every text that is seen, with the contrast of its colour to what lies behind it.
TEXTS = """(() => {
  const parsed = colour => {
    const paper = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
    const pen = paper.getContext('2d');
    pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const light = rgb => {
    const [r, g, b] = rgb.map(one => one / 255)
      .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const [r, g, b, a] = parsed(getComputedStyle(element).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    const element = node.parentElement, style = getComputedStyle(element);
    if (!node.data.trim() || !element.checkVisibility()) continue;
    if (['title', 'desc'].includes(element.tagName) || element.closest('.unseen')) continue;
    const colour = element.closest('svg') ? style.fill : style.color;
    const [r, g, b, a] = parsed(colour), paper = behind(element);
    const shown = [r, g, b].map((one, at) => one * a + paper[at] * (1 - a));
    const [low, high] = [light(shown), light(paper)].sort((x, y) => x - y);
    const svg = element.closest('svg');
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(style.fontSize) * scale;
    found.push({text: node.data.trim(), contrast: (high + 0.05) / (low + 0.05), size});
  }
  return found;
})()"""

# Everything that sticks out of the page to the right and can't be scrolled to inside of its parent.
OVERFLOWING = """(() => [...document.body.querySelectorAll('*')]
  .filter(one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll')
    && !one.ownerSVGElement)
  .map(one => one.outerHTML.slice(0, 80)))()"""

# What has the focus; it is marked as reached.
FOCUSED = """(() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const again = 'reached' in one.dataset;
  one.dataset.reached = '';
  return {
    what: one.tagName + ' ' + (one.textContent.trim().slice(0, 30) || ''),
    is_end: again || one === document.body,
    outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
    left: one.getBoundingClientRect().left,
  };
})()"""

# All that can be folded, followed or scrolled, with those that were not marked as reached.
USABLE = """(() => {
  const scrolls = one => ['auto', 'scroll'].some(how =>
    (getComputedStyle(one).overflowX === how && one.scrollWidth > one.clientWidth)
    || (getComputedStyle(one).overflowY === how && one.scrollHeight > one.clientHeight));
  const kinds = {
    summary: [...document.querySelectorAll('summary')],
    link: [...document.querySelectorAll('a[href]')],
    region: [...document.querySelectorAll('[role=region], .scroll')],
    scrolling: [...document.body.querySelectorAll('*')].filter(scrolls),
  };
  const missed = Object.values(kinds).flat().filter(one => !('reached' in one.dataset));
  return {
    counts: Object.fromEntries(Object.entries(kinds).map(([kind, all]) => [kind, all.length])),
    missed: missed.map(one => one.outerHTML.slice(0, 120)),
  };
})()"""
MOST_STOPS = 500
# The same page makes no difference, pictures without their lines 1.0 and more, an empty page 3.8.
BLOCKS, MOST_UNLIKE = 32, 0.5
LOOKS = Path(__file__).parents[1] / "golden/expected"
BREAKS = (
    "document.body.replaceChildren()",
    "document.querySelectorAll('svg').forEach(one => one.remove())",
    "document.querySelectorAll('svg').forEach(one => one.style.visibility = 'hidden')",
)
ENTER = ("Enter", 13, "\r")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def full(report: Report, make_runs: list[Samples]) -> Report:
    """A report in which everything that can be shown is."""
    faults = (Mark(3.0, 5.0, "Redis is cut off"),)
    sizes = ((10_000, 4.0), (40_000, 15.0))
    timed = dataclasses.replace(report.loads[0], series=load_series(make_runs, faults))
    counted = dataclasses.replace(
        timed,
        profile="hot",
        mode="counted",
        rate_rps=None,
        series=None,
        work=(
            Work("SQL statements per request", "page", ((10_000, 1.0), (40_000, 1.0)), max=2.0),
            Work(COUNTED, "page", sizes, max_slope=0.2),
        ),
    )
    limits = (dataclasses.replace(report.thresholds[0], max=80.0), *report.thresholds)
    return dataclasses.replace(
        report,
        thresholds=limits,
        loads=(timed, counted),
        growth=tuple(
            dataclasses.replace(counted.work[1], title="Blocks", of=f"ticket-{number}")
            for number in range(8)
        ),
        requirements=tuple(map(told, report.requirements)),
        log=(*report.log, LONG, "x" * 300),
    )


def told(requirement: Any) -> Any:
    """Return a failed requirement with all that can be told of a failure."""
    if requirement.outcome is not Outcome.FAILED:
        return requirement
    first, failed = requirement.checks
    feedback = dataclasses.replace(failed.feedback, exchange=asked(), plans=(plan(),))
    checks = (first, dataclasses.replace(failed, feedback=feedback))
    return dataclasses.replace(requirement, checks=checks, impact=LONG, references=("CWE-20",))


def asked() -> Exchange:
    body = json.dumps({"text": "<b>", "more": LONG}).encode()
    url, headers = "http://127.0.0.1:8000/entries", {"Content-Type": "application/json"}
    answer = {"content-type": "text/html", "x-long": LONG}
    return exchange("POST", url, (headers, body), 500, (answer, b"<h1>no</h1>" * 400), 0.0123)


def plan() -> Plan:
    nodes = (
        PlanNode(0, "Limit", "", 10.0, 10.0, 1, 0, 0.1),
        PlanNode(1, "Sort", "Sort Key: made_at DESC", 5e4, 10.0, 1, 12, 3.0),
        PlanNode(2, f"Seq Scan on {LONG}", "(NOT gone)", 5e4, 5e4, 1, 4000, 31.0, ("costliest",)),
    )
    return Plan("the newest entries", nodes, 4012)


@pytest.fixture(scope="module")
def page(full: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(to_html(full), encoding="utf-8")
    return file


def unfold(tab: Tab) -> None:
    tab.run("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_asks_for_nothing_and_complains_of_nothing(tab: Tab, page: Path, scheme: str) -> None:
    tab.open(page, WIDTHS["desk"], scheme=scheme)
    assert tab.asked_for() == [page.as_uri()]
    assert tab.complaints() == []


@pytest.mark.parametrize("width", [*WIDTHS.values(), 760])
def test_never_scrolls_sideways_as_a_whole(tab: Tab, page: Path, width: int) -> None:
    tab.open(page, width)
    unfold(tab)
    assert tab.run(OVERFLOWING) == []
    assert tab.run("document.scrollingElement.scrollWidth") <= width
    assert tab.run("innerWidth") == width


@pytest.mark.parametrize("width", WIDTHS.values())
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_can_be_read(tab: Tab, page: Path, scheme: str, width: int) -> None:
    tab.open(page, width, scheme=scheme)
    unfold(tab)
    texts = tab.run(TEXTS)
    assert len(texts) > 300
    assert [one for one in texts if one["contrast"] < LEAST_CONTRAST] == []
    assert [one for one in texts if one["size"] < 9] == []
    shown = {one["text"] for one in texts}
    assert {"p95: 80 ms", "Redis is cut off", "FAILED", "offered", "ticket-7"} <= shown


@pytest.mark.parametrize("scheme", SCHEMES)
def test_lines_of_pictures_stand_out_from_the_card(tab: Tab, page: Path, scheme: str) -> None:
    tab.open(page, WIDTHS["desk"], scheme=scheme)
    tab.run(
        """for (const name of ['ours', 'theirs', 'limit', 'failed', 'passed', 'edge']) {
          const probe = document.createElement('p');
          probe.className = 'probe';
          probe.style = `background: var(--card); color: var(--${name})`;
          probe.textContent = `probe ${name}`;
          document.body.append(probe);
        }"""
    )
    probes = [one for one in tab.run(TEXTS) if one["text"].startswith("probe ")]
    assert len(probes) == 6
    assert [one for one in probes if one["contrast"] < LEAST_CONTRAST_OF_LINES] == []


def test_the_two_schemes_are_two(tab: Tab, page: Path) -> None:
    papers = []
    for scheme in SCHEMES:
        tab.open(page, WIDTHS["desk"], scheme=scheme)
        papers.append(tab.run("getComputedStyle(document.body).backgroundColor"))
    assert papers[0] != papers[1]


def test_all_that_can_be_used_is_reached_by_keyboard_and_shows_where_one_is(
    tab: Tab, page: Path
) -> None:
    tab.open(page, WIDTHS["phone"])
    unfold(tab)
    stops = list(stops_of(tab))
    assert stops[0]["what"].startswith("A Skip to")
    assert [one for one in stops if one["outline"] < 2 or one["left"] < 0] == []
    usable = tab.run(USABLE)
    assert usable["missed"] == []
    assert len(stops) < MOST_STOPS
    assert min(usable["counts"].values()) >= 3, usable["counts"]


def stops_of(tab: Tab) -> Iterator[dict[str, Any]]:
    """Go through the page by the key Tab, until its end."""
    for _ in range(MOST_STOPS):
        tab.press("Tab", 9)
        focused: dict[str, Any] = tab.run(FOCUSED)
        if focused["is_end"]:
            return
        yield focused


def test_what_is_folded_is_opened_and_closed_by_keyboard(tab: Tab, page: Path) -> None:
    tab.open(page, WIDTHS["desk"])
    next(one for one in stops_of(tab) if one["what"].startswith("SUMMARY"))
    is_open = "document.activeElement.parentElement.open"
    before = tab.run(is_open)
    for expected in (not before, before):
        tab.press(*ENTER)
        assert tab.run(is_open) is expected


def test_the_skip_link_leads_past_the_head(tab: Tab, page: Path) -> None:
    tab.open(page, WIDTHS["phone"])
    tab.press("Tab", 9)
    tab.run("document.activeElement.click()")
    assert tab.run("document.activeElement.id") == "report"


def test_tells_who_can_not_see_it_the_same(tab: Tab, page: Path) -> None:
    tab.open(page, WIDTHS["desk"])
    pictures = tab.pictures()
    assert len(pictures) == tab.run("document.querySelectorAll('svg').length")
    assert all(pictures), pictures
    assert "90 % interval" in " ".join(pictures)
    roles = {role for role, _ in tab.told()}
    assert {"banner", "navigation", "main", "heading", "table", "list", "region"} <= roles
    cells = tab.run("document.querySelectorAll('table').length")
    assert cells == tab.run("document.querySelectorAll('table:has(th[scope=col])').length")
    levels = tab.run("[...document.querySelectorAll('h1,h2,h3,h4')].map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert max(np.diff(levels)) <= 1


def test_shows_request_and_response_of_a_failure(tab: Tab, page: Path) -> None:
    tab.open(page, WIDTHS["desk"])
    shown = tab.run("document.querySelector('.check .two').innerText")
    assert "POST http://127.0.0.1:8000/entries" in shown
    assert '"text": "<b>"' in shown
    assert "response, after 12.3 ms" in shown
    assert "content-type: text/html" in shown
    assert "The whole body has 4,400 bytes." in shown


def test_prints_what_is_folded_away_and_no_menu(tab: Tab, page: Path) -> None:
    tab.open(page, WIDTHS["desk"])
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.run("document.querySelector('nav').checkVisibility()") is False
    assert tab.run(OVERFLOWING) == []
    tab.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("device", WIDTHS)
def test_looks_as_it_did(
    tab: Tab, page: Path, device: str, scheme: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    tab.open(page, WIDTHS[device], scheme=scheme)
    shown = tab.picture()
    (tmp_path / f"{device}-{scheme}.png").write_bytes(shown)
    golden, fonts = LOOKS / f"page-{device}-{scheme}.txt", LOOKS / "page-fonts.txt"
    if request.config.getoption("record"):
        np.savetxt(golden, blocks(shown), fmt="%3d")
        fonts.write_text(f"{tab.fonts()}\n", encoding="utf-8")
    if (here := tab.fonts()) != (there := fonts.read_text(encoding="utf-8").strip()):
        pytest.skip(f"its looks were recorded in {there}, and here is {here}")
    recorded = np.loadtxt(golden)
    assert unlike(shown, recorded) < MOST_UNLIKE
    for broken in BREAKS:
        tab.open(page, WIDTHS[device], scheme=scheme)
        tab.run(broken)
        apart = unlike(tab.picture(), recorded)
        assert apart > MOST_UNLIKE, broken


def blocks(png: bytes) -> Any:
    """Return how light a picture is, 0 to 255, in as many blocks whatever its size."""
    grey = Image.open(io.BytesIO(png)).convert("L")
    return np.asarray(grey.resize((BLOCKS, BLOCKS), Image.Resampling.BOX), dtype=float)


def unlike(png: bytes, recorded: Any) -> float:
    """Return how far the blocks of a picture are from those recorded, on average."""
    return float(np.abs(blocks(png) - recorded).mean())


@pytest.fixture(scope="module")
def make_runs() -> list[Samples]:
    """Two runs of eight seconds beside a reference; the submission stalls for two of them."""
    return [_run(seed) for seed in (1, 2)]


def _run(seed: int) -> Samples:
    generator, count = np.random.default_rng(seed), 3000
    target = generator.integers(0, 2, count)
    sent_s = np.sort(generator.uniform(0, 8, count))
    latency_ms = generator.lognormal(1.0 + 0.7 * (target == 0), 0.5, count)
    stalled = (target == 0) & (sent_s > 3) & (sent_s < 5)
    latency_ms[stalled] += (5 - sent_s[stalled]) * 400
    ok = ~(stalled & (generator.random(count) < 0.1))
    return Samples(
        target=target,
        class_index=np.zeros(count, dtype=np.int64),
        sent_s=sent_s,
        late_ms=np.zeros(count),
        latency_ms=latency_ms,
        ok=ok,
        cpu_ms=np.full((2, 8), 40.0),
        classes=("page",),
        offered=tuple(np.bincount(target).tolist()),
        duration_s=8.0,
        send_lag_p99_ms=1.0,
        generator_cores=0.2,
    )
