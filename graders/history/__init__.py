"""The record of attempts, hints and looks at solutions, and what it tells about a learner's way."""

from graders.history.own import own_attempts
from graders.history.pooling import Pooled, pool
from graders.history.store import History
from graders.history.tables import Attempt, RequirementOutcome
from graders.history.trends import (
    RATIO,
    Figure,
    Flip,
    Move,
    figures_of,
    flips,
    moves,
    pooled_ratios,
)

__all__ = [
    "RATIO",
    "Attempt",
    "Figure",
    "Flip",
    "History",
    "Move",
    "Pooled",
    "RequirementOutcome",
    "figures_of",
    "flips",
    "moves",
    "own_attempts",
    "pool",
    "pooled_ratios",
]
