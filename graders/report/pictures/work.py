"""Work without noise: counters per request, and how they grow with the data."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from graders.model import LoadFigures, Work
from graders.report.pictures.canvas import (
    INK,
    LIMIT,
    MARGIN_HEIGHT,
    OURS,
    ROW_HEIGHT,
    Picture,
    drawn,
    rows,
)
from graders.report.plans import figure

NOTHING = 1e-2  # stands on a logarithmic axis for 0
PANEL_WIDTH, PANEL_HEIGHT, SIDE_ROOM = 190, 180, 1.5


def counters(key: str, load: LoadFigures) -> Picture:
    """Draw what a request costs at the largest size, with limits."""
    shown = [one for one in load.work if one.points]
    names = [_named(one, shown) for one in shown]

    def draw(axes: Axes) -> None:
        values = [max(one.points[-1][1], NOTHING) for one in shown]
        limits = [one.max for one in shown if one.max]
        low, high = min([*values, *limits, 1.0]) / 2, max([*values, *limits, 10.0]) * 6
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        for row, (one, value) in enumerate(zip(shown, values, strict=True)):
            axes.plot((low, value), (row, row), color=OURS, lw=3, solid_capstyle="butt")
            axes.plot(value, row, "o", color=OURS, ms=7)
            said = figure(one.points[-1][1])
            if one.max:
                axes.plot((one.max,) * 2, (row - 0.2, row + 0.2), color=LIMIT, lw=3)
                said += f"  (limit {figure(one.max)})"
            place: dict[str, Any] = {
                "xytext": (9, 0),
                "textcoords": "offset points",
                "va": "center",
            }
            axes.annotate(said, (max(value, one.max or 0), row), color=INK, **place)
        rows(axes, names)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: figure(value)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("per request")

    caption = f"Work per request: {load.profile}"
    words = " ".join(_value_words(one) for one in shown)
    height = MARGIN_HEIGHT + ROW_HEIGHT * max(1, len(shown))
    svg = drawn(f"{key}-work", caption, words, draw, height=height)
    table = tuple((one.title, one.of, figure(one.points[-1][1]), figure(one.max)) for one in shown)
    return Picture((svg,), caption, words, ("counter", "of", "per request", "limit"), table)


def _named(work: Work, among: Sequence[Work]) -> str:
    title = work.title.removesuffix(" per request")
    return f"{title}, {work.of}" if len({one.of for one in among}) > 1 else title


def _value_words(work: Work) -> str:
    limit = "" if work.max is None else f" (limit {figure(work.max)})"
    return f"{work.title}, {work.of}: {figure(work.points[-1][1])}{limit}."


def grows(work: Work) -> bool:
    """Say if there is growth to draw: at least two sizes."""
    return len({size for size, _ in work.points if size}) > 1


def growth(key: str, title: str, lines: Sequence[Work]) -> Picture:
    """Draw one kind of work over the size of the data, a small picture for each line."""
    svgs = [_growth_panel(f"{key}-{number}", title, one) for number, one in enumerate(lines)]
    words = " ".join(_growth_words(one) for one in lines)
    caption = f"{title}, as the data grows"
    return Picture(tuple(svgs), caption, words, *_growth_table(lines), are_small=True)


def _growth_panel(key: str, title: str, work: Work) -> str:
    points = [(size, value) for size, value in work.points if size]
    sizes, values = [size for size, _ in points], [max(value, NOTHING) for _, value in points]
    allowed = _allowed(work, sizes, values[0])

    def draw(axes: Axes) -> None:
        axes.set(xscale="log", yscale="log")
        axes.set_title(work.of or title, size=12, color=INK)
        if allowed:
            axes.plot(sizes, allowed, color=LIMIT, lw=2, ls=(0, (4, 2)))
        axes.plot(sizes, values, color=OURS, lw=2.2, marker="o", ms=6)
        for (size, value), height in zip(points, values, strict=True):
            place: dict[str, Any] = {
                "xytext": (0, 7),
                "textcoords": "offset points",
                "ha": "center",
            }
            axes.annotate(figure(value), (size, height), color=INK, **place)
        ends = (min(sizes) / SIDE_ROOM, max(sizes) * SIDE_ROOM)
        axes.set_xlim(ends)
        axes.set_ylim(_same_scale([*values, *allowed], ends[1] / ends[0]))
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.set_yticks([])
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        axes.set_xlabel(work.size_unit)

    name = f"{title}: {work.of}" if work.of else title
    return drawn(key, name, _growth_words(work), draw, width=PANEL_WIDTH, height=PANEL_HEIGHT)


def _allowed(work: Work, sizes: Sequence[int], first: float) -> list[float]:
    """Return the most that is allowed at each size, from the first value on; empty if anything."""
    steepest = [
        first * (size / sizes[0]) ** work.max_slope if work.max_slope is not None else math.inf
        for size in sizes
    ]
    most = math.inf if work.max is None else work.max
    allowed = [max(min(one, most), NOTHING) for one in steepest]
    return allowed if math.isfinite(max(allowed)) else []


def _same_scale(values: Sequence[float], factor: float) -> tuple[float, float]:
    """Return ends of an axis on which work that grows like the data is a diagonal."""
    low, high = min(values) / 1.3, max(values) * 1.8
    more = max(1.0, math.sqrt(factor * low / high))
    return low / more, high * more


def _growth_words(work: Work) -> str:
    said = ", ".join(f"{figure(value)} at {size:,}" for size, value in work.points if size)
    limit = "" if work.max is None else f" The limit is {figure(work.max)}."
    if work.max_slope is not None:
        limit += f" It may grow like the size to the power of {work.max_slope:g}."
    return f"{work.of or work.title}: {said} {work.size_unit}.{limit}"


def _growth_table(
    lines: Sequence[Work],
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    sizes = sorted({size for one in lines for size, _ in one.points if size})
    unit = lines[0].size_unit
    header = ("of", *(f"at {size:,} {unit}" for size in sizes), "limit", "steepest growth")
    rows = tuple(
        (
            one.of or "–",
            *(figure(dict(one.points).get(size)) for size in sizes),
            figure(one.max),
            figure(one.max_slope),
        )
        for one in lines
    )
    return header, rows
