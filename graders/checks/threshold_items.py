"""Thresholds and probes of the manifest's load profiles as pytest items."""

import math
from collections.abc import Callable, Iterator, Sequence

import pytest

from graders.checks.context import Context
from graders.checks.loading import Loaded
from graders.errors import CheckFailed, Inconclusive, LabError
from graders.ledger import LEDGER
from graders.manifest import LoadProfile, Threshold
from graders.model import Feedback, Outcome

Check = Callable[[Callable[[str], Loaded]], None]
RUNS, STARTS_S = 6, 120


def threshold_items(context: Context, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return one item per threshold; they live beside the lab's checks and share its fixtures."""
    profiles = context.manifest.load
    if not any(profile.thresholds for profile in profiles.values()):
        return []
    module = items[0].getparent(pytest.Module) if items else None
    if module is None:
        raise LabError(
            "A lab with thresholds needs at least one check beside them.",
            "Write one in checks/, for example that the service is right while it is loaded.",
        )
    return [
        item for name, profile in profiles.items() for item in _of_profile(module, name, profile)
    ]


def _of_profile(module: pytest.Module, name: str, profile: LoadProfile) -> Iterator[pytest.Item]:
    for number, threshold in enumerate(profile.thresholds):
        title = f"threshold[{name}-{threshold.metric}]"
        yield _item(module, title, threshold.requirement, _limit_check(name, number), profile)
    if profile.probes:
        title, requirement = f"probes[{name}]", profile.probes.requirement
        yield _item(module, title, requirement, _probes_check(name), profile)


def _item(
    module: pytest.Module, title: str, requirement: str, judge: Check, profile: LoadProfile
) -> pytest.Item:
    check: pytest.Function = pytest.Function.from_parent(module, name=title, callobj=judge)
    check.add_marker(pytest.mark.requirement(requirement))
    timeout_s = math.ceil(RUNS * (profile.warmup_s + profile.duration_s) + STARTS_S)
    check.add_marker(pytest.mark.timeout(timeout_s))
    return check


def _probes_check(name: str) -> Check:
    def probes_are_answered_rightly(load: Callable[[str], Loaded]) -> None:
        loaded = load(name)
        LEDGER.reached()
        if loaded.wrong:
            raise CheckFailed(loaded.wrong)

    return probes_are_answered_rightly


def _limit_check(name: str, number: int) -> Check:
    def threshold_holds(load: Callable[[str], Loaded]) -> None:
        loaded = load(name)
        LEDGER.reached()
        judge(loaded, number)

    return threshold_holds


def judge(loaded: Loaded, number: int) -> None:
    """Raise what one threshold of a finished load run amounts to."""
    result = loaded.thresholds[number]
    if result.outcome is Outcome.FAILED:
        errors = loaded.figures.submission.first_errors
        where = f"load profile {result.profile!r}" + (f"; first errors: {errors}" if errors else "")
        raise CheckFailed(
            Feedback(_limits(loaded.profile.thresholds[number]), result.sentence, where)
        )
    if result.outcome is Outcome.INCONCLUSIVE:
        raise Inconclusive(result.sentence)
    if result.outcome is Outcome.ERROR:
        raise LabError(result.sentence, "Correct the load profile or its thresholds.")


def _limits(threshold: Threshold) -> str:
    limits = []
    if threshold.max is not None:
        limits.append(f"at most {threshold.max:g}")
    if threshold.max_ratio is not None:
        limits.append(f"at most {threshold.max_ratio:g} × the reference solution's")
    return f"{threshold.metric} {' and '.join(limits)}"
