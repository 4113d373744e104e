"""Every limit in one picture: how far what was measured lies from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from graders.model import ThresholdResult
from graders.report.pictures.canvas import (
    LIMIT,
    MARGIN_HEIGHT,
    OURS,
    ROW_HEIGHT,
    Picture,
    drawn,
    rows,
)

LEAST, MOST = 0.03, 30.0
SCALE = {0.1: "0.1 ×", 0.3: "0.3 ×", 1: "limit", 3: "3 ×", 10: "10 ×"}


@dataclass(frozen=True)
class Use:
    """How much of a limit was used: 1 is all of it; `low` and `high` are the 90 % interval's."""

    name: str
    outcome: str
    share: float
    low: float
    high: float


def limits(thresholds: Sequence[ThresholdResult]) -> Picture | None:
    """Draw each limit's use, with its interval where there is one; None without any figure."""
    uses = [use for one in thresholds for use in used(one)]
    if not uses:
        return None

    def draw(axes: Axes) -> None:
        axes.set(xscale="log", xlim=(LEAST, MOST))
        axes.axvspan(1, MOST, color=LIMIT, alpha=0.1, lw=0)
        axes.axvline(1, color=LIMIT, lw=2)
        for row, use in enumerate(uses):
            share, low, high = (
                min(max(one, LEAST), MOST) for one in (use.share, use.low, use.high)
            )
            axes.plot((low, high), (row, row), color=OURS, lw=5, alpha=0.45)
            axes.plot(share, row, "o", color=OURS, ms=7, clip_on=False)
        axes.set_xticks(list(SCALE), list(SCALE.values()))
        axes.xaxis.set_minor_locator(NullLocator())
        rows(axes, [one.name for one in uses])

    caption = "How much of each limit was used"
    words = " ".join(f"{one.name}: {_shown(one)}, {one.outcome}." for one in uses)
    height = MARGIN_HEIGHT + ROW_HEIGHT * len(uses)
    header = ("figure", "of its limit", "90 % interval", "outcome")
    table = tuple(
        (one.name, f"{one.share:.0%}", f"{one.low:.0%} to {one.high:.0%}", one.outcome)
        for one in uses
    )
    svg = drawn("limits", caption, words, draw, height=height)
    return Picture((svg,), caption, words, header, table)


def used(threshold: ThresholdResult) -> Iterator[Use]:
    """Yield the use of each limit of a threshold; what was not measured used nothing known."""
    name, outcome = f"{threshold.profile}, {threshold.metric}", threshold.outcome.value
    if threshold.ratio and threshold.max_ratio:
        interval, limit = threshold.ratio, threshold.max_ratio
        shares = (interval.estimate / limit, interval.low / limit, interval.high / limit)
        yield Use(f"{name} ratio", outcome, *shares)
    if threshold.measured is not None and threshold.max:
        share = threshold.measured / threshold.max
        yield Use(name, outcome, share, share, share)
    if threshold.slope is not None and threshold.max_slope:
        share = max(0.0, threshold.slope / threshold.max_slope)
        yield Use(f"{name} growth", outcome, share, share, share)


def _shown(use: Use) -> str:
    interval = "" if use.low == use.high else f" (90 % interval {use.low:.0%} to {use.high:.0%})"
    return f"{use.share:.0%} of its limit{interval}"
