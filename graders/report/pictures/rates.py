"""What was offered and what was achieved over time, with faults as bands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from graders.model import LoadFigures, LoadSeries, Mark, Rates
from graders.report.pictures.canvas import BAD, INK, SOFT, Picture, drawn, legend
from graders.report.pictures.times import SHORT, sides
from graders.report.plans import figure

HEADROOM = 1.12


def rates(key: str, load: LoadFigures, series: LoadSeries) -> Picture:
    """Draw the rates of both sides, what failed, where runs end, and faults as bands."""
    ours = series.submission.rates

    def draw(axes: Axes) -> None:
        for fault in series.faults:
            _draw_fault(axes, fault)
        for end_s in series.run_ends_s[:-1]:
            axes.axvline(end_s, color=SOFT, lw=1, ls="dotted")
        axes.stairs(ours.offered_rps, series.edges_s, color=SOFT, baseline=None, label="offered")
        for name, colour, line, target in sides(series):
            achieved = target.rates.achieved_rps
            style: dict[str, Any] = {
                "color": colour,
                "ls": line,
                "lw": 2,
                "label": SHORT[name],
                "baseline": None,
            }
            axes.stairs(achieved, series.edges_s, **style)
        if any(ours.failed_rps):
            failed: dict[str, Any] = {"fill": True, "color": BAD, "alpha": 0.6, "label": "failed"}
            axes.stairs(ours.failed_rps, series.edges_s, **failed)
        axes.set_xlim(series.edges_s[0], series.edges_s[-1])
        axes.set_ylim(0, max(_most(series), 1e-9) * HEADROOM)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="seconds", ylabel="requests a second")
        legend(axes, columns=4)

    caption = f"Offered and achieved: {load.profile}"
    words = " ".join(_words(load, series))
    svg = drawn(f"{key}-rates", caption, words, draw)
    return Picture((svg,), caption, words, *_table(series))


def _draw_fault(axes: Axes, fault: Mark) -> None:
    axes.axvspan(fault.start_s, fault.end_s, color=BAD, alpha=0.14, lw=0)
    place: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "va": "top", "rotation": 90}
    offset: dict[str, Any] = {"xytext": (3, -3), "textcoords": "offset points"}
    axes.annotate(fault.what, (fault.start_s, 1.0), color=INK, **place, **offset)


def _most(series: LoadSeries) -> float:
    """Return the highest rate there is."""
    return max(
        max((*target.rates.offered_rps, *target.rates.achieved_rps, *target.rates.failed_rps))
        for *_, target in sides(series)
    )


def _words(load: LoadFigures, series: LoadSeries) -> list[str]:
    runs = len(series.run_ends_s)
    said = [f"{figure(series.edges_s[-1])} seconds in {runs} run{'' if runs == 1 else 's'}."]
    if load.by_turns:
        said.append("Each side had its own turns, so their seconds were not the same.")
    for name, _, _, target in sides(series):
        rates = target.rates
        failed = sum(np.diff(series.edges_s) * rates.failed_rps)
        said.append(
            f"{name.capitalize()}: offered {_mean(series, rates.offered_rps)} a second, "
            f"achieved {_mean(series, rates.achieved_rps)}, "
            f"least {figure(min(rates.achieved_rps))}; {failed:.0f} failed."
        )
    said += [
        f"From second {figure(one.start_s)} to {figure(one.end_s)}: {one.what}."
        for one in series.faults
    ]
    return said


def _mean(series: LoadSeries, rates: Sequence[float]) -> str:
    return figure(float(np.average(rates, weights=np.diff(series.edges_s))))


def _table(series: LoadSeries) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    kinds = ("offered", "achieved", "failed")
    names = [name for name, *_ in sides(series)]
    header = ("from second", *(f"{name}, {kind}" for name in names for kind in kinds))
    rows = []
    for at, start_s in enumerate(series.edges_s[:-1]):
        figures = [_at(target.rates, at) for *_, target in sides(series)]
        rows.append((figure(start_s), *(figure(one) for three in figures for one in three)))
    return header, tuple(rows)


def _at(rates: Rates, at: int) -> tuple[float, float, float]:
    return rates.offered_rps[at], rates.achieved_rps[at], rates.failed_rps[at]
