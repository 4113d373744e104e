"""Timelines as drawings: bars for a page, columns of blocks for a terminal."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from graders.model import Lane, Mark, Timeline, Tone

WIDTH, LANE_HEIGHT, TEXT_WIDTH, LEAST_WIDTH = 900, 26, 150, 2.0
AXIS_WIDTH = WIDTH - TEXT_WIDTH - 20  # the label of the last time needs room
MOST_TICKS, MOST_TOLD = 10, 100
FAULTS = "faults"
BLOCKS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Bar:
    """A mark as a rectangle; `tip` is what it says when pointed at."""

    x: float
    width: float
    tone: Tone
    tip: str


@dataclass(frozen=True)
class Row:
    """A lane as a row of bars at height `y`."""

    name: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Tick:
    """A time on the axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Picture:
    """Everything a page needs to draw a timeline, in units of its own view box.

    The marks of the lane `faults` are bands behind all lanes, too; words and table say the same to
    who can't see it.
    """

    width: int
    height: int
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    bands: tuple[Bar, ...]
    words: str
    table: tuple[tuple[str, ...], ...]


def drawn(timeline: Timeline) -> Picture:
    """Return a timeline as rectangles."""
    scale = AXIS_WIDTH / max(timeline.duration_s, 1e-9)
    rows = tuple(
        Row(_named(lane), index * LANE_HEIGHT, tuple(_bar(mark, scale) for mark in lane.marks))
        for index, lane in enumerate(timeline.lanes)
    )
    ticks = tuple(
        Tick(round(TEXT_WIDTH + at_s * scale, 1), f"{at_s:g} s") for at_s in tick_times(timeline)
    )
    lanes = zip(timeline.lanes, rows, strict=True)
    bands = [bar for lane, row in lanes if lane.name == FAULTS for bar in row.bars]
    height = len(rows) * LANE_HEIGHT + LANE_HEIGHT
    return Picture(WIDTH, height, rows, ticks, tuple(bands), _words(timeline), _table(timeline))


def _words(timeline: Timeline) -> str:
    said = [
        f"{lane.name}: {len(lane.marks) + lane.left_out}"
        + (f", {bad} not as they should be" if (bad := _count(lane, Tone.BAD)) else "")
        for lane in timeline.lanes
    ]
    return f"In {timeline.duration_s:.1f} seconds: {'; '.join(said) or 'nothing'}."


def _count(lane: Lane, tone: Tone) -> int:
    return sum(mark.tone is tone for mark in lane.marks)


def _table(timeline: Timeline) -> tuple[tuple[str, ...], ...]:
    """Return the first marks of all lanes in the order of their starts."""
    marks = [(mark, lane.name) for lane in timeline.lanes for mark in lane.marks]
    ordered = sorted(marks, key=lambda one: one[0].start_s)[:MOST_TOLD]
    return tuple(
        (f"{one.start_s:.2f}", f"{one.end_s:.2f}", lane, one.what, one.tone.value)
        for one, lane in ordered
    )


def tick_times(timeline: Timeline) -> list[float]:
    """Return round times for the axis: 1, 2 or 5 times a power of ten apart."""
    least_s = max(timeline.duration_s, 1e-3) / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(least_s))
    step_s = next(one * power for one in (1, 2, 5, 10) if one * power >= least_s * 0.999)
    return [round(number * step_s, 6) for number in range(int(timeline.duration_s / step_s) + 1)]


def timeline_lines(timeline: Timeline, width: int = 60) -> Iterator[str]:
    """Yield a timeline as lines of text: the higher a block, the more went on at that time."""
    names = [_named(lane) for lane in timeline.lanes]
    margin = max((len(name) for name in names), default=0)
    yield f"{timeline.title} ({timeline.duration_s:.1f} s)"
    for name, lane in zip(names, timeline.lanes, strict=True):
        yield f"  {name:<{margin}}  {_blocks(lane, timeline.duration_s, width)}"
    right = f"{timeline.duration_s:.1f} s"
    yield f"  {'':<{margin}}  0 s{right:>{width - 3}}"


def _named(lane: Lane) -> str:
    return f"{lane.name} (+{lane.left_out})" if lane.left_out else lane.name


def _bar(mark: Mark, scale: float) -> Bar:
    x, width = TEXT_WIDTH + mark.start_s * scale, (mark.end_s - mark.start_s) * scale
    when = f"{mark.start_s:.2f} s"
    if mark.end_s > mark.start_s:
        when += f" to {mark.end_s:.2f} s"
    return Bar(round(x, 1), round(max(width, LEAST_WIDTH), 1), mark.tone, f"{mark.what}, {when}")


def _blocks(lane: Lane, duration_s: float, width: int) -> str:
    counts = [0] * width
    scale = width / max(duration_s, 1e-9)
    for mark in lane.marks:
        first = min(int(mark.start_s * scale), width - 1)
        last = min(int(mark.end_s * scale), width - 1)
        for column in range(first, last + 1):
            counts[column] += 1
    most = max(counts, default=0)
    return "".join(BLOCKS[math.ceil(8 * count / most)] if count else " " for count in counts)
