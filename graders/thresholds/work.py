"""What counted profiles found, ready to be drawn. Pure."""

from collections.abc import Mapping

from graders.manifest import LoadProfile, Threshold
from graders.model import Work
from graders.thresholds.judging import NAMES

PerRequest = Mapping[tuple[str, int | None], Mapping[str, float]]


def work_of(profile: LoadProfile, per_request: PerRequest) -> tuple[Work, ...]:
    """Return the work of each class and metric over the profile's sizes, with its limits."""
    classes = dict.fromkeys(task for task, _ in per_request)
    metrics = dict.fromkeys(metric for one in per_request.values() for metric in one)
    return tuple(
        _work(profile, metric, task, per_request) for metric in metrics for task in classes
    )


def _work(profile: LoadProfile, metric: str, task: str, per_request: PerRequest) -> Work:
    limits = [one for one in profile.thresholds if _limits(one, metric, task)]
    return Work(
        title=NAMES[metric],
        of=task,
        points=tuple(
            (size, figures[metric])
            for (name, size), figures in per_request.items()
            if name == task and metric in figures
        ),
        max=min((one.max for one in limits if one.max is not None), default=None),
        max_slope=min((one.max_slope for one in limits if one.max_slope is not None), default=None),
        requirement=limits[0].requirement if limits else "",
    )


def _limits(threshold: Threshold, metric: str, task: str) -> bool:
    return threshold.metric == metric and threshold.endpoint in (None, task)
