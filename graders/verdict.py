"""From checks to requirements to the verdict. Pure."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from graders.manifest import Manifest, Requirement
from graders.model import (
    CheckResult,
    Outcome,
    Problem,
    RequirementResult,
    Verdict,
    worst,
)

LEFT_OUT = "left out on request"
VOID = "no points, because it was bought with {}"
ENDED_EARLY = "not graded: the grade ended early"


def judge_requirements(
    manifest: Manifest,
    checks: Iterable[CheckResult],
    selected: Set[str],
    *,
    ended_early: bool = False,
) -> tuple[RequirementResult, ...]:
    """Judge each requirement of the lab, in the manifest's order of stages."""
    by_requirement: dict[str, list[CheckResult]] = {}
    for check in checks:
        by_requirement.setdefault(check.requirement, []).append(check)
    ordered = sorted(manifest.requirements, key=lambda one: manifest.stage_index(one.stage))
    results = [
        _judge(one, by_requirement.get(one.id, []), one.id in selected, ended_early)
        for one in ordered
    ]
    return tuple(_void(results, {one.id for one in ordered if one.gate}))


def _void(results: Sequence[RequirementResult], gates: Set[str]) -> Iterator[RequirementResult]:
    """Take the points of all that passed while a gate failed."""
    failed = [one.id for one in results if one.id in gates and one.outcome is Outcome.FAILED]
    for one in results:
        if failed and one.earned:
            reason = VOID.format(" and ".join(failed))
            yield dataclasses.replace(one, earned=0, reason=reason)
        else:
            yield one


def _judge(
    requirement: Requirement, checks: Sequence[CheckResult], selected: bool, ended_early: bool
) -> RequirementResult:
    outcome, reason = worst([check.outcome for check in checks]), ""
    if not selected:
        outcome, reason = Outcome.SKIPPED, LEFT_OUT
    elif not checks and ended_early:
        outcome, reason = Outcome.SKIPPED, ENDED_EARLY
    elif not checks:
        reason = "no check of this requirement ran"
    elif outcome is not Outcome.PASSED:
        reason = next(_reason(check) for check in checks if check.outcome is outcome)
    return RequirementResult(
        id=requirement.id,
        title=requirement.title,
        stage=requirement.stage,
        outcome=outcome,
        points=requirement.points,
        earned=requirement.points if outcome is Outcome.PASSED else 0,
        reason=reason,
        checks=tuple(checks),
        impact=requirement.impact,
        references=tuple(requirement.references),
        read=requirement.read,
    )


def _reason(check: CheckResult) -> str:
    if not check.feedback:
        return check.outcome.value
    if check.outcome is Outcome.SKIPPED:
        return check.feedback.got
    return f"expected {check.feedback.expected}, got {check.feedback.got}"


def judge_submission(requirements: Sequence[RequirementResult], problem: Problem | None) -> Verdict:
    """Judge the whole: a failure is certain whatever else happened; a doubt is no pass."""
    earned = sum(requirement.earned for requirement in requirements)
    points = sum(requirement.points for requirement in requirements)
    graded = [one for one in requirements if one.reason != LEFT_OUT]
    outcome = _outcome([one.outcome for one in graded], problem)
    return Verdict(
        outcome=outcome,
        earned=earned,
        points=points,
        complete=len(graded) == len(requirements) and problem is None,
        sentence=_sentence(graded, len(requirements), problem),
    )


def _outcome(outcomes: Sequence[Outcome], problem: Problem | None) -> Outcome:
    if Outcome.FAILED in outcomes or (problem and problem.culprit == "submission"):
        return Outcome.FAILED
    if problem or Outcome.ERROR in outcomes or not outcomes:
        return Outcome.ERROR
    if Outcome.INCONCLUSIVE in outcomes or Outcome.SKIPPED in outcomes:
        return Outcome.INCONCLUSIVE
    return Outcome.PASSED


def _sentence(
    graded: Sequence[RequirementResult], all_of_them: int, problem: Problem | None
) -> str:
    if problem and not any(one.checks for one in graded):
        return problem.problem
    counts = count_outcomes(graded)
    passed = f"{counts.get(Outcome.PASSED, 0)} of {len(graded)} requirements passed"
    others = [
        f"{counts[one]} {one.value}"
        for one in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.SKIPPED)
        if counts.get(one)
    ]
    left_out = all_of_them - len(graded)
    if left_out:
        others.append(f"{left_out} {LEFT_OUT}")
    return ", ".join([passed, *others]) + "."


def count_outcomes(requirements: Iterable[RequirementResult]) -> Mapping[Outcome, int]:
    """Count requirements by outcome."""
    counts: dict[Outcome, int] = {}
    for requirement in requirements:
        counts[requirement.outcome] = counts.get(requirement.outcome, 0) + 1
    return counts
