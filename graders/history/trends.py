"""What attempts tell when they are laid side by side. Pure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graders.history.pooling import Pooled, pool
from graders.history.tables import Attempt
from graders.model import Interval, Outcome

Key = tuple[str, str]  # a load profile, and the figure's name
GRADED = (Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ERROR)
MOVED_FACTOR = 1.1  # ratios of the same content differ by as much by chance


@dataclass(frozen=True)
class Figure:
    """One figure of an attempt; ratios are to the reference solution in the same run."""

    profile: str
    name: str
    value: float
    is_ratio: bool


@dataclass(frozen=True)
class Flip:
    """A requirement that was graded in two attempts, with another outcome."""

    requirement: str
    before: Outcome
    after: Outcome


@dataclass(frozen=True)
class Move:
    """A figure that two attempts have, and that differs."""

    figure: Figure
    before: float


def figures_of(attempt: Attempt) -> list[Figure]:
    """Return the figures of an attempt: p50, p95 and CPU as ratios, then counters."""
    ratios = [
        Figure(load.profile, name, ours / theirs, is_ratio=True)
        for load in attempt.loads
        for name, ours, theirs in (
            ("p50", load.p50_ms, load.reference_p50_ms),
            ("p95", load.p95_ms, load.reference_p95_ms),
            ("CPU", load.cpu_ms_per_request, load.reference_cpu_ms_per_request),
        )
        if ours is not None and theirs
    ]
    counters = [
        Figure(one.profile, one.name, one.value, is_ratio=False) for one in attempt.counters
    ]
    return [*ratios, *sorted(counters, key=lambda one: (one.profile, one.name))]


def flips(before: Attempt, after: Attempt) -> list[Flip]:
    """Return the requirements whose outcome changed; what was not graded in both is left out."""
    earlier = {one.requirement: Outcome(one.outcome) for one in before.requirements}
    later = {one.requirement: Outcome(one.outcome) for one in after.requirements}
    return [
        Flip(name, earlier[name], outcome)
        for name, outcome in later.items()
        if outcome in GRADED and earlier.get(name) in GRADED and earlier[name] is not outcome
    ]


def moves(before: Attempt, after: Attempt) -> list[Move]:
    """Return the figures that moved: counters by anything, ratios by more than chance."""
    earlier = {(one.profile, one.name): one.value for one in figures_of(before)}
    return [
        Move(one, earlier[one.profile, one.name])
        for one in figures_of(after)
        if (one.profile, one.name) in earlier and _moved(one, earlier[one.profile, one.name])
    ]


def _moved(figure: Figure, before: float) -> bool:
    if not figure.is_ratio or before <= 0 or figure.value <= 0:
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
