"""What a report draws: the course of a load run in a few hundred numbers, and work that grows."""

from dataclasses import dataclass

from graders.model.timelines import Mark


@dataclass(frozen=True)
class Curve:
    """Times in ms at the percents of its LoadSeries, and the 90 % interval around each.

    None stands for unlimited time: so many requests failed or were never answered. There is no
    interval around what too few requests were measured for.
    """

    estimate_ms: tuple[float | None, ...]
    low_ms: tuple[float | None, ...]
    high_ms: tuple[float | None, ...]


@dataclass(frozen=True)
class Rates:
    """Requests per second in each span of its LoadSeries.

    Offered counts by when they should have been sent, achieved and failed by when they ended;
    what ended after its run is in no span.
    """

    offered_rps: tuple[float, ...]
    achieved_rps: tuple[float, ...]
    failed_rps: tuple[float, ...]


@dataclass(frozen=True)
class TargetSeries:
    """What one target showed; `counts` are its right answers by time, one per bin."""

    counts: tuple[int, ...]
    curve: Curve
    rates: Rates


@dataclass(frozen=True)
class LoadSeries:
    """A timed profile's valid runs, one after the other, for drawing.

    `edges_ms` has one value more than there are bins, `edges_s` one more than there are spans;
    each run ends at one of `run_ends_s`. `faults` are spans in which something was broken.
    """

    edges_ms: tuple[float, ...]
    percents: tuple[float, ...]
    edges_s: tuple[float, ...]
    run_ends_s: tuple[float, ...]
    submission: TargetSeries
    reference: TargetSeries | None
    faults: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Work:
    """What `of` (a class of requests, a query) costs, free of noise, at each size of the data.

    A point is (size, value); its size is None where there is but one. `max` limits the values,
    `max_slope` the exponent b of value = a · size^b.
    """

    title: str
    of: str
    points: tuple[tuple[int | None, float], ...]
    size_unit: str = "rows"
    max: float | None = None
    max_slope: float | None = None
    requirement: str = ""
