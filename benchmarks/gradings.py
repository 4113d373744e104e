"""How often a verdict on speed is wrong, and how much its figures spread, quiet and beside a hog.

Services whose times are a known multiple of the reference's are graded again and again by the
engine's own rule. What an absolute limit would have said is read off the first run of each grading;
its limit in milliseconds comes from the first quiet run, as a lab's author would take it.
"""

import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.row import Row
from benchmarks.running import hog, running
from graders.checks.timed import Progress, next_run, take
from graders.load import offer
from graders.manifest import LoadProfile, Threshold
from graders.model import Outcome
from graders.processes import run_folder
from graders.samples import REFERENCE, SUBMISSION, Samples

LOCUSTFILE = str(Path(__file__).with_name("locustfile.py"))
LIMIT = 2.0
CLEAR_FACTORS, BORDERLINE = (1.0, 1.6, 2.5, 4.0), 2.0
BORDERLINE_GRADINGS = 4


@dataclass(frozen=True)
class Grading:
    """One grading of a service of known factor: its outcome, runs, and the first usable run."""

    factor: float
    beside_hog: bool
    outcome: Outcome | None
    runs: int
    by_turns: bool
    first: Samples | None

    @property
    def is_wrong(self) -> bool:
        """Say if it was decided the wrong way."""
        right = Outcome.PASSED if self.factor < LIMIT else Outcome.FAILED
        return self.is_decided and self.outcome is not right

    @property
    def is_decided(self) -> bool:
        """Say if it passed or failed."""
        return self.outcome in (Outcome.PASSED, Outcome.FAILED)


def waiting() -> list[Row]:
    """Grade services that mostly wait, as for a database: the load is CPU for nobody."""
    return _measure("waiting", 100, each=13)


def computing() -> list[Row]:
    """Grade services that mostly compute: what a hog takes away, they lack."""
    return _measure("computing", 50, each=5)


def _measure(law: str, rate_rps: float, each: int) -> list[Row]:
    """Grade every factor quiet and beside a hog, in random order, and count."""
    plan = [
        (factor, beside_hog)
        for factor in (*CLEAR_FACTORS, BORDERLINE)
        for beside_hog in (False, True)
        for _ in range(BORDERLINE_GRADINGS if factor == BORDERLINE else each)
    ]
    random.Random(1).shuffle(plan)
    profile = _profile(rate_rps)
    done = [
        _grade(law, profile, factor, hogged, seed) for seed, (factor, hogged) in enumerate(plan)
    ]
    return [*_spread(done), *_verdicts(done)]


def _profile(rate_rps: float) -> LoadProfile:
    return LoadProfile(
        user="GetUser",
        rate_rps=rate_rps,
        warmup_s=0.5,
        thresholds=[Threshold(requirement="fast", metric="p95_ms", max_ratio=LIMIT)],
    )


def _grade(law: str, profile: LoadProfile, factor: float, beside_hog: bool, seed: int) -> Grading:
    progress, first = Progress("get", profile), None
    with (
        run_folder() as folder,
        running(f"{law}-{factor}", folder) as ours,
        running(f"{law}-1.0", folder) as theirs,
        hog() if beside_hog else contextlib.nullcontext(),
    ):
        while not progress.ended:
            run = next_run(progress, LOCUSTFILE, seed)
            samples = offer(run, [ours, theirs], folder, f"run-{progress.number}", {})
            first = first or samples
            take(progress, samples)
    outcome = progress.results[0].outcome if progress.results else None
    return Grading(factor, beside_hog, outcome, progress.number, progress.by_turns, first)


def _p95_ms(samples: Samples, target: int) -> float:
    return float(np.percentile(samples.latency_ms[samples.target == target], 95))


def _cpu_ms(samples: Samples, target: int) -> float:
    return float(samples.cpu_ms[target].sum() / (samples.target == target).sum())


def _spread(done: Sequence[Grading]) -> list[Row]:
    """Return the coefficients of variation over gradings of a service equal to the reference."""
    rows = []
    for beside_hog, where in ((False, "quiet"), (True, "beside a hog"), (None, "both together")):
        runs = [
            one.first
            for one in done
            if one.first and one.factor == 1.0 and beside_hog in (None, one.beside_hog)
        ]
        p95 = [(_p95_ms(run, SUBMISSION), _p95_ms(run, REFERENCE)) for run in runs]
        cpu = [(_cpu_ms(run, SUBMISSION), _cpu_ms(run, REFERENCE)) for run in runs]
        for what, figures in (("p95", p95), ("CPU", cpu)):
            ratio = _variation([ours / theirs for ours, theirs in figures])
            absolute = _variation([ours for ours, _ in figures])
            note = f"the absolute figure spreads {absolute:.1f} % ({len(runs)} runs)"
            rows.append(Row(f"spread of the {what} ratio, {where}", ratio, "% CV", note))
    return rows


def _variation(values: Sequence[float]) -> float:
    return float(100 * np.std(values) / np.mean(values))


def _verdicts(done: Sequence[Grading]) -> list[Row]:
    limit_ms = LIMIT * next(
        _p95_ms(one.first, REFERENCE) for one in done if one.first and not one.beside_hog
    )
    rows = []
    for factor in (*CLEAR_FACTORS, BORDERLINE):
        for beside_hog in (False, True):
            ours = [one for one in done if (one.factor, one.beside_hog) == (factor, beside_hog)]
            where = "beside a hog" if beside_hog else "quiet"
            note = _note(ours, limit_ms)
            wrong = sum(one.is_wrong for one in ours)
            if factor == BORDERLINE:
                sure = sum(one.is_decided for one in ours)
                rows.append(Row(f"decided at exactly the limit, {where}", sure, "", note))
            else:
                rows.append(
                    Row(f"wrong at {factor:g} × (limit {LIMIT:g} ×), {where}", wrong, "", note)
                )
    clear = [one for one in done if one.factor != BORDERLINE]
    decided = [one for one in clear if one.is_decided]
    wrong = sum(one.is_wrong for one in clear)
    rows.append(Row("wrong in all, clear cases", wrong, "", f"of {len(decided)} decided"))
    share = 100 * len(decided) / len(clear)
    rows.append(Row("decided within three runs, clear cases", share, "%", _note(clear, limit_ms)))
    return rows


def _note(gradings: Sequence[Grading], limit_ms: float) -> str:
    """Say what became of some gradings, and what an absolute limit would have said."""
    runs = [one.first for one in gradings if one.first]
    over = [_p95_ms(run, SUBMISSION) > limit_ms for run in runs]
    bad = [one.factor > LIMIT for one in gradings if one.first]
    absolute = sum(one is not other for one, other in zip(over, bad, strict=True))
    mean_runs = np.mean([one.runs for one in gradings])
    turns = sum(one.by_turns for one in gradings)
    unmeasured = sum(one.outcome is None for one in gradings)
    return (
        f"{len(gradings)} gradings, {mean_runs:.1f} runs each, {turns} by turns, "
        f"{unmeasured} too busy; absolute limit of {limit_ms:.0f} ms: {absolute} wrong"
    )
