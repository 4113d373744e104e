"""The knee: the offered rate at which a submission stops keeping up. It earns no points."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graders.checks.context import Order
from graders.checks.loading import target_of
from graders.errors import UsageError
from graders.load import LoadRun, Target, Workers, offer, offer_with_workers
from graders.manifest import GENERATOR_LIMIT_RPS, LoadProfile, did_you_mean
from graders.playground import Played, play
from graders.processes import run_folder
from graders.samples import Samples

STEP_S, WARM_UP_S = 3.0, 1.0
GROWTH, HALVINGS = 1.6, 3
SLOWER_FACTOR, LEAST_COMPLETED = 5.0, 0.99


@dataclass(frozen=True)
class Point:
    """What a rate showed: p95 from the intended start, and the share answered rightly in time."""

    rate_rps: float
    p95_ms: float
    completed: float


@dataclass(frozen=True)
class Capacity:
    """The highest rate that held, the lowest that broke (None: the generator's limit was first)."""

    holds_rps: float
    breaks_rps: float | None
    points: tuple[Point, ...]


def find_knee(measure: Callable[[float], Point], start_rps: float) -> Capacity:
    """Raise the rate until p95 or completion breaks, then halve the gap some times."""
    points = [measure(start_rps)]
    base_ms = points[0].p95_ms

    def holds(point: Point) -> bool:
        return point.completed >= LEAST_COMPLETED and point.p95_ms <= SLOWER_FACTOR * base_ms

    low, high = start_rps, None
    if not holds(points[0]):
        return Capacity(0.0, start_rps, tuple(points))
    while high is None and low * GROWTH <= GENERATOR_LIMIT_RPS:
        points.append(measure(low * GROWTH))
        low, high = (low * GROWTH, None) if holds(points[-1]) else (low, low * GROWTH)
    for _ in range(HALVINGS if high else 0):
        middle = (low + (high or low)) / 2
        points.append(measure(middle))
        low, high = (middle, high) if holds(points[-1]) else (low, middle)
    return Capacity(low, high, tuple(points))


def capacity(order: Order, profile: str | None, seen: Callable[[Point], None]) -> Capacity:
    """Find the knee of a submission under one of the lab's timed profiles."""
    chosen = timed_profile(order, profile)

    def find(played: Played) -> Capacity:
        env = played.prepare_load()

        def measure(rate_rps: float) -> Point:
            run = load_run(order, chosen, rate_rps, STEP_S)
            folder, name = played.app.logs, f"rate-{rate_rps:.0f}"
            point = point_of(rate_rps, offer(run, [target_of(played.app)], folder, name, env))
            seen(point)
            return point

        return find_knee(measure, chosen.rate_rps / 4)

    return play(order, find)


def load_with_workers(
    order: Order, profile: str | None, url: str | None, workers: Workers
) -> Samples:
    """Offer a timed profile with several generators, to a running service or to the submission."""
    chosen = timed_profile(order, profile)
    run = load_run(order, chosen, chosen.rate_rps, chosen.duration_s)
    if url:
        with run_folder() as folder:
            return offer_with_workers(run, [Target((url,), ())], folder, workers, {})

    def offer_all(played: Played) -> Samples:
        target, logs = target_of(played.app), played.app.logs
        return offer_with_workers(run, [target], logs, workers, played.prepare_load())

    return play(order, offer_all)


def point_of(rate_rps: float, samples: Samples) -> Point:
    """Summarise one step."""
    times_ms = np.where(samples.ok, samples.latency_ms + samples.late_ms, np.inf)
    if not len(times_ms):
        return Point(rate_rps, float("inf"), 0.0)
    p95_ms = float(np.percentile(times_ms, 95, method="inverted_cdf"))
    return Point(rate_rps, p95_ms, float(samples.ok.sum()) / max(1, samples.offered[0]))


def timed_profile(order: Order, name: str | None) -> LoadProfile:
    """Return the named timed profile of the lab, or its first."""
    timed = {key: one for key, one in order.manifest.load.items() if one.mode == "timed"}
    if name is None and timed:
        return next(iter(timed.values()))
    if name not in timed:
        hint = did_you_mean(name or "", list(timed))
        raise UsageError(
            f"{order.lab.name} has no timed load profile {name!r}{hint}.",
            f"Choose one of: {', '.join(timed) or 'none'}.",
        )
    return timed[name]


def load_run(order: Order, profile: LoadProfile, rate_rps: float, duration_s: float) -> LoadRun:
    """Return a run of a profile's user at some rate, without a reference."""
    return LoadRun(
        locustfile=str(Path(order.lab).resolve() / "load" / "locustfile.py"),
        user=profile.user,
        rate_rps=rate_rps,
        duration_s=duration_s,
        warmup_s=WARM_UP_S,
        seed=order.seed,
    )
