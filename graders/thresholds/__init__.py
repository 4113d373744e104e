"""Judging load runs: three-valued, with intervals, and never in favour of missing data. Pure."""

from graders.thresholds.figures import target_figures, timed_figures
from graders.thresholds.judging import judge_count, judge_timed
from graders.thresholds.validity import invalid_reason, rare_class, void_reason

__all__ = [
    "invalid_reason",
    "judge_count",
    "judge_timed",
    "rare_class",
    "target_figures",
    "timed_figures",
    "void_reason",
]
