"""What attempts tell when they are laid side by side. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graders.history.pooling import Pooled, pool
from graders.history.tables import Attempt, LoadFigure
from graders.model import Interval, Outcome

Key = tuple[str, str]  # a load profile, and the figure's name
GRADED = (Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ERROR)
MOVED_FACTOR = 1.1  # ratios of the same content differ by as much by chance
RATIO, TIME, COUNT = "×", "ms", ""


@dataclass(frozen=True)
class Figure:
    """One figure of an attempt: a time, a count, or a ratio to the reference in the same run."""

    profile: str
    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Flip:
    """A requirement whose outcome is another than when it was graded last."""

    requirement: str
    before: Outcome
    after: Outcome


@dataclass(frozen=True)
class Move:
    """A figure that differs from when it was measured last."""

    figure: Figure
    before: float


def figures_of(attempt: Attempt) -> list[Figure]:
    """Return the figures of an attempt: of each load times and ratios, then counters."""
    timed = [one for load in attempt.loads for one in (*_times(attempt, load), *_compared(load))]
    counters = [Figure(one.profile, one.name, one.value, COUNT) for one in attempt.counters]
    return [*timed, *sorted(counters, key=lambda one: (one.profile, one.name))]


def _times(attempt: Attempt, load: LoadFigure) -> Iterator[Figure]:
    p99_ms = next((one.p99_ms for one in attempt.tails if one.profile == load.profile), None)
    for name, value in (("p50 ms", load.p50_ms), ("p95 ms", load.p95_ms), ("p99 ms", p99_ms)):
        if value is not None:
            yield Figure(load.profile, name, value, TIME)


def _compared(load: LoadFigure) -> Iterator[Figure]:
    for name, ours, theirs in (
        ("p50", load.p50_ms, load.reference_p50_ms),
        ("p95", load.p95_ms, load.reference_p95_ms),
        ("CPU", load.cpu_ms_per_request, load.reference_cpu_ms_per_request),
    ):
        if ours is not None and theirs:
            yield Figure(load.profile, name, ours / theirs, RATIO)


def flips(earlier: Sequence[Attempt], last: Attempt) -> list[Flip]:
    """Return what the last attempt graded otherwise than the latest earlier one that graded it."""
    known = {name: outcome for one in earlier for name, outcome in _graded(one)}
    return [
        Flip(name, known[name], outcome)
        for name, outcome in _graded(last)
        if known.get(name, outcome) is not outcome
    ]


def _graded(attempt: Attempt) -> Iterator[tuple[str, Outcome]]:
    for one in attempt.requirements:
        if (outcome := Outcome(one.outcome)) in GRADED:
            yield one.requirement, outcome


def moves(earlier: Sequence[Attempt], last: Attempt) -> list[Move]:
    """Return the figures that moved since they were measured last.

    Counters by anything, ratios by more than chance; times never, for machines change by more.
    """
    known = {
        (one.profile, one.name): one.value for attempt in earlier for one in figures_of(attempt)
    }
    return [
        Move(one, known[one.profile, one.name])
        for one in figures_of(last)
        if (one.profile, one.name) in known and _moved(one, known[one.profile, one.name])
    ]


def _moved(figure: Figure, before: float) -> bool:
    if figure.unit == TIME:
        return False
    if figure.unit == COUNT or before <= 0 or figure.value <= 0:
        return not math.isclose(figure.value, before, rel_tol=1e-6, abs_tol=1e-9)
    return abs(math.log(figure.value / before)) > math.log(MOVED_FACTOR)


def pooled_ratios(attempts: Sequence[Attempt]) -> dict[Key, Pooled]:
    """Pool each judged ratio over the attempts whose content is that of the last one with any."""
    content = next((one.content_hash for one in reversed(attempts) if _intervals(one)), None)
    gathered: dict[Key, list[Interval]] = {}
    for one in attempts:
        if one.content_hash == content:
            for key, ratio in _intervals(one):
                gathered.setdefault(key, []).append(ratio)
    pooled = ((key, pool(ratios)) for key, ratios in gathered.items())
    return {key: found for key, found in pooled if found}


def _intervals(attempt: Attempt) -> list[tuple[Key, Interval]]:
    return list(_ratios(attempt))


def _ratios(attempt: Attempt) -> Iterator[tuple[Key, Interval]]:
    for one in attempt.limits:
        if one.ratio is not None and one.ratio_low is not None and one.ratio_high is not None:
            ratio = Interval(one.ratio, one.ratio_low, one.ratio_high)
            yield (one.profile, one.metric), ratio
