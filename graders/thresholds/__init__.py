"""Judging load runs: three-valued, with intervals, and never in favour of missing data. Pure."""

from graders.thresholds.figures import target_figures, timed_figures
from graders.thresholds.judging import judge_count, judge_timed
from graders.thresholds.series import load_series
from graders.thresholds.validity import (
    alone_p95_ms,
    invalid_reason,
    is_disturbed,
    is_saturated,
    is_too_heavy,
    void_reason,
)
from graders.thresholds.work import work_of

__all__ = [
    "alone_p95_ms",
    "invalid_reason",
    "is_disturbed",
    "is_saturated",
    "is_too_heavy",
    "judge_count",
    "judge_timed",
    "load_series",
    "target_figures",
    "timed_figures",
    "void_reason",
    "work_of",
]
