"""The words of the kit as values: outcomes, feedback, plans, timelines, results, the report."""

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
from graders.model.timelines import Lane, Mark, Timeline, Tone

__all__ = [
    "CheckResult",
    "EstimateResult",
    "Feedback",
    "Interval",
    "Lane",
    "LoadFigures",
    "LookAlike",
    "Mark",
    "Outcome",
    "Plan",
    "PlanNode",
    "Problem",
    "Report",
    "RequirementResult",
    "TargetFigures",
    "ThresholdResult",
    "Timeline",
    "Tone",
    "Verdict",
    "worst",
]
