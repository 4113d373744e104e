"""How long answers took: their distribution, and percentiles with what is allowed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from graders.model import Curve, LoadFigures, LoadSeries, TargetSeries, ThresholdResult
from graders.report.pictures.canvas import (
    INK,
    LIMIT,
    OURS,
    THEIRS,
    Picture,
    drawn,
    legend,
)
from graders.report.plans import figure

PERCENT_OF = {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0}
TICKS = (0, 50, 75, 90, 95, 99, 99.9)
TOLD = (50.0, 95.0, 99.0)
YOURS, REFERENCE = "your submission", "reference solution"
SHORT = {YOURS: "yours", REFERENCE: "reference"}  # for legends, which have little room
ROOM, HALF_LIMIT, CROWDED = 1.25, 0.13, 1.4
FAR = 30.0  # a limit so many times away would squeeze the curves to a line: it is said in words


@dataclass(frozen=True)
class Limit:
    """Where a percentile of the submission must not lie above."""

    percent: float
    ms: float
    label: str


def limits_of(load: LoadFigures, thresholds: Sequence[ThresholdResult]) -> list[Limit]:
    """Return the limits on percentiles of a profile, ratios as multiples of the reference's."""
    found = []
    for one in thresholds:
        if one.profile != load.profile or one.metric not in PERCENT_OF:
            continue
        percent = PERCENT_OF[one.metric]
        if one.max:
            found.append(Limit(percent, one.max, f"{figure(one.max)} ms"))
        if one.max_ratio is not None and one.reference:
            ms = one.max_ratio * one.reference
            found.append(Limit(percent, ms, f"{one.max_ratio:g} × reference"))
    return list(dict.fromkeys(found))


def sides(series: LoadSeries) -> list[tuple[str, str, str, TargetSeries]]:
    """Return name, colour, line style and figures of each side."""
    both = [(YOURS, OURS, "solid", series.submission)]
    if series.reference:
        both.append((REFERENCE, THEIRS, "dashed", series.reference))
    return both


def distribution(key: str, load: LoadFigures, series: LoadSeries) -> Picture:
    """Draw how many answers took how long."""

    def draw(axes: Axes) -> None:
        for name, colour, line, target in sides(series):
            shares = np.array(target.counts) / max(1, sum(target.counts)) * 100
            axes.stairs(shares, series.edges_ms, fill=True, color=colour, alpha=0.18, lw=0)
            axes.stairs(shares, series.edges_ms, color=colour, ls=line, lw=1.8, label=SHORT[name])
        axes.set_xlim(series.edges_ms[0], series.edges_ms[-1])
        times_axis(axes, "x")
        axes.set(xlabel="time of an answer, ms", ylabel="share of the right answers, %")
        legend(axes)

    caption = f"How long answers took: {load.profile}"
    words = " ".join(_spread(name, target, series) for name, _, _, target in sides(series))
    header = ("from ms", "to ms", *(name for name, *_ in sides(series)))
    borders = zip(series.edges_ms, series.edges_ms[1:], strict=False)
    rows = tuple(
        (figure(low), figure(high), *(str(target.counts[at]) for *_, target in sides(series)))
        for at, (low, high) in enumerate(borders)
    )
    svg = drawn(f"{key}-distribution", caption, words, draw)
    return Picture((svg,), caption, words, header, rows)


def _spread(name: str, target: TargetSeries, series: LoadSeries) -> str:
    total = sum(target.counts)
    if not total:
        return f"{name.capitalize()}: not one right answer."
    filled = [at for at, count in enumerate(target.counts) if count]
    fullest = max(filled, key=lambda at: target.counts[at])
    low, high = series.edges_ms[fullest], series.edges_ms[fullest + 1]
    return (
        f"{name.capitalize()}: {total:,} right answers took {figure(series.edges_ms[filled[0]])} "
        f"to {figure(series.edges_ms[filled[-1] + 1])} ms, most often {figure(low)} to "
        f"{figure(high)} ms."
    )


def percentiles(
    key: str, load: LoadFigures, series: LoadSeries, limits: Sequence[Limit]
) -> Picture:
    """Draw the percentile curves with their 90 % intervals, and the limits."""
    places = [place(one) for one in series.percents]

    def draw(axes: Axes) -> None:
        low, high = _span_ms(series, limits)
        for name, colour, line, target in sides(series):
            curve = target.curve
            if curve.low_ms:
                band = (_filled(curve.low_ms, high), _filled(curve.high_ms, high))
                axes.fill_between(places, *band, color=colour, alpha=0.18, lw=0)
            axes.plot(
                places, _known(curve.estimate_ms), color=colour, ls=line, lw=2, label=SHORT[name]
            )
        axes.set_ylim(low, high)
        near = sorted((one for one in limits if one.ms <= high), key=lambda one: one.ms)
        for at, limit in enumerate(near):
            _draw_limit(axes, limit, "limit" if at == 0 else "", _shift(near, at))
        axes.set_xlim(0, places[-1] if places[-1] > 0 else 1)
        ticks = [one for one in TICKS if place(one) <= places[-1]]
        axes.set_xticks([place(one) for one in ticks], [f"{one:g}" for one in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        times_axis(axes, "y")
        axes.set(xlabel="percent of the requests", ylabel="answered within, ms")
        legend(axes)

    caption = f"Percentiles with their 90 % intervals: {load.profile}"
    told = [_told(name, target.curve, series.percents) for name, _, _, target in sides(series)]
    words = " ".join([*told, *(_limit_words(one) for one in limits)])
    svg = drawn(f"{key}-percentiles", caption, words, draw)
    return Picture((svg,), caption, words, *_percentile_table(series))


def place(percent: float) -> float:
    """Return where a percent stands on an axis that gives each further nine the same room."""
    return -math.log10(max(1 - percent / 100, 1e-6)) + 0.0


def times_axis(axes: Axes, which: str) -> None:
    """Make an axis logarithmic with plain figures at 1, 2 and 5 of every power of ten."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    steps = (1.0, 2.0, 5.0) if high / low < 300 else (1.0,)
    axis.set_major_locator(LogLocator(10, subs=steps, numticks=30))
    axis.set_major_formatter(FuncFormatter(lambda value, _: figure(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _shift(limits: Sequence[Limit], at: int) -> float:
    """Return how far a limit's words must go up or down (-) to make room for a neighbour's."""
    ms = limits[at].ms
    above = any(one.ms / ms < CROWDED for one in limits[at + 1 :])
    below = any(ms / one.ms < CROWDED for one in limits[:at])
    return 8.0 * (below - above)


def _draw_limit(axes: Axes, limit: Limit, label: str, shift: float) -> None:
    middle = place(limit.percent)
    ends = (middle - HALF_LIMIT, middle + HALF_LIMIT)
    axes.plot(ends, (limit.ms, limit.ms), color=LIMIT, lw=3, solid_capstyle="butt", label=label)
    axes.fill_between(ends, limit.ms, axes.get_ylim()[1], color=LIMIT, alpha=0.12, lw=0)
    words = f"p{limit.percent:g}: {limit.label}"
    offset: dict[str, Any] = {
        "xytext": (-6, 2 + shift),
        "textcoords": "offset points",
        "ha": "right",
        "va": "center",
    }
    axes.annotate(words, (ends[0], limit.ms), color=INK, **offset)


def _span_ms(series: LoadSeries, limits: Sequence[Limit]) -> tuple[float, float]:
    """Return the ends of the axis of times: all that is known, and limits that are not far off."""
    curves = [target.curve for *_, target in sides(series)]
    known = [
        one
        for curve in curves
        for times in (curve.estimate_ms, curve.low_ms, curve.high_ms)
        for one in times
        if one
    ] or [1.0, 10.0]
    most = max(known)
    near = [one.ms for one in limits if one.ms <= FAR * most]
    return min([*known, *near]) / ROOM, max([most, *near]) * ROOM


def _known(values: Sequence[float | None]) -> list[float]:
    return [math.nan if one is None else one for one in values]


def _filled(values: Sequence[float | None], most: float) -> list[float]:
    """Return values with the top of the picture for those that have no bound."""
    return [most if one is None else one for one in values]


def _told(name: str, curve: Curve, percents: Sequence[float]) -> str:
    said = [
        f"{percent:g} % within {_with_interval(curve, percents.index(percent))}"
        for percent in TOLD
        if percent in percents
    ]
    return f"{name.capitalize()}: {', '.join(said)}."


def _with_interval(curve: Curve, at: int) -> str:
    said = _ms(curve.estimate_ms[at])
    if curve.low_ms:
        said += f" (90 % interval {_ms(curve.low_ms[at])} to {_ms(curve.high_ms[at])})"
    return said


def _ms(value: float | None) -> str:
    return "unlimited time" if value is None else f"{figure(value)} ms"


def _limit_words(limit: Limit) -> str:
    at = f"{figure(limit.ms)} ms"
    how = "" if limit.label == at else f", which is {limit.label}"
    return f"The limit at {limit.percent:g} % is {at}{how}."


def _percentile_table(
    series: LoadSeries,
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    names = [name for name, *_ in sides(series)]
    header = ("percent", *(part for name in names for part in (f"{name}, ms", "90 % interval")))
    rows = []
    for at, percent in enumerate(series.percents):
        curves = [target.curve for *_, target in sides(series)]
        told = [(_bound(one.estimate_ms[at]), _interval(one, at)) for one in curves]
        rows.append((f"{percent:g}", *(text for pair in told for text in pair)))
    return header, tuple(rows)


def _interval(curve: Curve, at: int) -> str:
    if not curve.low_ms:
        return "–"
    return f"{_bound(curve.low_ms[at])} to {_bound(curve.high_ms[at])}"


def _bound(value: float | None) -> str:
    return "∞" if value is None else figure(value)
