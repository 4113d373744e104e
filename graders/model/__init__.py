"""The words of the kit as values: outcomes, feedback, plans, timelines, results, the report."""

from graders.model.exchanges import Exchange, exchange
from graders.model.plans import Plan, PlanNode
from graders.model.results import (
    CheckResult,
    EstimateResult,
    Feedback,
    Interval,
    LoadFigures,
    LookAlike,
    Outcome,
    Problem,
    Report,
    RequirementResult,
    TargetFigures,
    ThresholdResult,
    Verdict,
    worst,
)
from graders.model.series import Curve, LoadSeries, Rates, TargetSeries, Work
from graders.model.timelines import Lane, Mark, Timeline, Tone

__all__ = [
    "CheckResult",
    "Curve",
    "EstimateResult",
    "Exchange",
    "Feedback",
    "Interval",
    "Lane",
    "LoadFigures",
    "LoadSeries",
    "LookAlike",
    "Mark",
    "Outcome",
    "Plan",
    "PlanNode",
    "Problem",
    "Rates",
    "Report",
    "RequirementResult",
    "TargetFigures",
    "TargetSeries",
    "ThresholdResult",
    "Timeline",
    "Tone",
    "Verdict",
    "Work",
    "exchange",
    "worst",
]
