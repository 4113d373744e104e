"""Which arrivals come when and go where: the phases of a load run. Pure, and the same for a seed.

A mixed run: the reference alone while the submission is frozen and has seen no request yet (its
undisturbed level), both at random at the same rate, the reference alone once more. A run by turns:
seconds that belong to one of them each, drained before the next begins, for a submission that would
drag the reference down with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from graders.load.runner import LoadRun
from graders.samples import BLOCK_S, REFERENCE, Floats, Integers


class Kind(Enum):
    """What the samples of a phase are for."""

    WARM_UP = "warm-up"
    BEFORE = "alone before"
    MEASURED = "measured"
    AFTER = "alone after"


@dataclass(frozen=True)
class Phase:
    """Arrivals at `times_s` after its start, each to the target of the same index.

    Blocks are counted from `first_block`; with `drained` the next phase waits for all answers.
    """

    kind: Kind
    duration_s: float
    times_s: Floats
    targets: Integers
    first_block: int = 0
    drained: bool = False

    @property
    def blocks(self) -> int:
        """How many whole blocks it has, at least one."""
        return max(1, round(self.duration_s / BLOCK_S))


def phases(run: LoadRun, targets: int) -> list[Phase]:
    """Return the phases of a run in order, for so many targets."""
    generator = np.random.default_rng(run.seed)
    everyone = list(range(targets))
    plan = _by_turns if run.by_turns else _mixed
    return list(plan(run, everyone, generator))


def _mixed(run: LoadRun, everyone: list[int], generator: np.random.Generator) -> Iterator[Phase]:
    compared = len(everyone) > 1 and run.alone_s > 0
    if compared:
        yield _phase(Kind.WARM_UP, run, run.warmup_s / 2, [REFERENCE], generator, drained=True)
        yield _phase(Kind.BEFORE, run, run.alone_s, [REFERENCE], generator, drained=True)
    yield _phase(Kind.WARM_UP, run, run.warmup_s, everyone, generator)
    yield _phase(Kind.MEASURED, run, run.duration_s, everyone, generator, drained=True)
    if compared:
        yield _phase(Kind.AFTER, run, run.alone_s, [REFERENCE], generator, drained=True)


def _by_turns(run: LoadRun, everyone: list[int], generator: np.random.Generator) -> Iterator[Phase]:
    yield _phase(Kind.WARM_UP, run, run.warmup_s, everyone, generator, drained=True)
    for block in range(max(1, round(run.duration_s / BLOCK_S))):
        for target in everyone:
            yield _phase(
                Kind.MEASURED, run, BLOCK_S, [target], generator, first_block=block, drained=True
            )


def _phase(
    kind: Kind,
    run: LoadRun,
    duration_s: float,
    targets: list[int],
    generator: np.random.Generator,
    first_block: int = 0,
    drained: bool = False,
) -> Phase:
    times_s = _poisson(run.rate_rps * len(targets), duration_s, generator)
    chosen = generator.choice(targets, len(times_s))
    return Phase(kind, duration_s, times_s, chosen, first_block, drained)


def _poisson(rate_rps: float, duration_s: float, generator: np.random.Generator) -> Floats:
    count = int(rate_rps * duration_s * 1.5) + 50
    times_s = np.cumsum(generator.exponential(1 / rate_rps, count))
    return times_s[times_s < duration_s]
