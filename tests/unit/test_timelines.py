"""Timelines: what is drawn of them, on a page and on a terminal."""

import dataclasses
import io

import pytest
from rich.console import Console

from graders.checks import Drawing
from graders.checks.timelines import MOST_MARKS
from graders.model import Lane, Mark, Outcome, Report, Timeline, Tone
from graders.report import TerminalReport
from graders.report.html import to_html
from graders.report.json_report import from_json, to_json
from graders.report.timelines import AXIS_WIDTH, TEXT_WIDTH, drawn, tick_times, timeline_lines

TIMELINE = Timeline(
    "A page is refreshed",
    "keeps-entries",
    4.0,
    (
        Lane("calls", (Mark(0.0, 2.0, "GET /a"), Mark(1.0, 2.0, "GET <b>", Tone.BAD))),
        Lane("answers", (Mark(3.0, 3.0, "200", Tone.GOOD),), left_out=7),
        Lane("faults", ()),
    ),
)


def test_bars_lie_where_their_times_are_and_are_wide_enough_to_be_seen() -> None:
    calls, answers, faults = drawn(TIMELINE).rows
    middle = TEXT_WIDTH + AXIS_WIDTH / 2
    assert calls.bars[0].x == TEXT_WIDTH
    assert calls.bars[0].x + calls.bars[0].width == middle
    assert (answers.bars[0].x, answers.bars[0].width) == (TEXT_WIDTH + 0.75 * AXIS_WIDTH, 2.0)
    assert answers.bars[0].tip == "200, 3.00 s"
    assert calls.bars[1].tip == "GET <b>, 1.00 s to 2.00 s"
    assert faults.bars == ()


def test_a_lane_says_what_it_leaves_out() -> None:
    assert drawn(TIMELINE).rows[1].name == "answers (+7)"


def test_faults_are_bands_behind_every_lane() -> None:
    cut = Lane("faults", (Mark(1.0, 2.0, "Redis is cut off", Tone.BAD),), left_out=1)
    drawing = drawn(dataclasses.replace(TIMELINE, lanes=(*TIMELINE.lanes[:2], cut)))
    assert drawing.bands == drawing.rows[2].bars
    assert drawing.bands[0].x == TEXT_WIDTH + AXIS_WIDTH / 4
    assert drawn(TIMELINE).bands == ()


def test_words_and_a_table_say_what_the_drawing_shows() -> None:
    drawing = drawn(TIMELINE)
    said = "In 4.0 seconds: calls: 2, 1 not as they should be; answers: 8; faults: 0."
    assert drawing.words == said
    assert drawing.table == (
        ("0.00", "2.00", "calls", "GET /a", "plain"),
        ("1.00", "2.00", "calls", "GET <b>", "bad"),
        ("3.00", "3.00", "answers", "200", "good"),
    )


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [(4.0, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]), (0.9, [n / 10 for n in range(10)])],
)
def test_the_axis_has_round_times(duration_s: float, expected: list[float]) -> None:
    assert tick_times(dataclasses.replace(TIMELINE, duration_s=duration_s)) == expected


def test_nothing_at_all_can_be_drawn() -> None:
    nothing = Timeline("Nothing", "none", 0.0, ())
    assert drawn(nothing).rows == ()
    assert len(list(timeline_lines(nothing))) == 2


def test_the_terminal_shows_how_much_went_on_at_each_time() -> None:
    assert list(timeline_lines(TIMELINE, width=8)) == [
        "A page is refreshed (4.0 s)",
        "  calls         ▄▄███   ",
        "  answers (+7)        █ ",
        "  faults                ",
        "                0 s4.0 s",
    ]


def test_a_drawing_keeps_what_happened_since_it_began() -> None:
    drawing = Drawing("Drawn", ("calls", "faults"))
    began_s = drawing.began_s
    drawing.mark("calls", "before", began_s - 2, began_s - 1)
    drawing.mark("calls", "late", began_s + 2, began_s + 3, Tone.BAD)
    drawing.mark("calls", "cut", began_s - 1, began_s + 1)
    drawing.mark("more", "moment", began_s + 5)
    finished = drawing.finished("fast")
    assert [one.name for one in finished.lanes] == ["calls", "faults", "more"]
    assert [one.what for one in finished.lanes[0].marks] == ["cut", "late"]
    assert finished.lanes[0].marks[0] == Mark(0.0, 1.0, "cut")
    assert finished.duration_s == 5.0
    assert finished.requirement == "fast"


def test_a_lane_keeps_no_more_than_a_page_can_show() -> None:
    drawing = Drawing("Drawn", ("calls",))
    for number in range(MOST_MARKS + 5):
        drawing.mark("calls", "call", drawing.began_s + number)
    [lane] = drawing.finished("fast").lanes
    assert (len(lane.marks), lane.left_out) == (MOST_MARKS, 5)


def test_a_timeline_is_part_of_the_report_in_every_form(report: Report) -> None:
    shown = dataclasses.replace(report, timelines=(TIMELINE,))
    assert from_json(to_json(shown)) == shown
    page = to_html(shown)
    assert "A page is refreshed" in page
    assert "GET &lt;b&gt;, 1.00 s to 2.00 s" in page
    lanes = page[page.index('<svg class="lanes"') :]
    assert lanes[: lanes.index("</svg>")].count("<rect") == 3


def test_the_terminal_shows_the_timeline_of_what_is_first_to_fix(report: Report) -> None:
    failed = [one.id for one in report.requirements if one.outcome is Outcome.FAILED]
    assert failed[0] == TIMELINE.requirement
    other = dataclasses.replace(TIMELINE, title="Of no interest", requirement="greets")
    shown = dataclasses.replace(report, timelines=(TIMELINE, other))
    paper = io.StringIO()
    Console(file=paper, width=100, no_color=True).print(TerminalReport(shown))
    assert "A page is refreshed (4.0 s)" in paper.getvalue()
    assert "Of no interest" not in paper.getvalue()
