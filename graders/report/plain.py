"""The report for screen readers and logs: line by line, marks as words, no tables. Pure."""

from collections.abc import Iterator

from graders.model import CheckResult, Feedback, LoadFigures, Outcome, Report, RequirementResult
from graders.report.plans import figure
from graders.report.terminal import INTROS, first_trouble


def plain_lines(report: Report) -> Iterator[str]:
    """Yield the parts of a report from top to bottom."""
    yield f"{report.title}. Seed {report.seed}."
    yield from (_requirement(one) for one in report.requirements)
    for load in report.loads:
        if load.mode == "timed":
            yield from _measured(load)
    yield from (f"{one.outcome.value}: {one.sentence}" for one in report.thresholds)
    for one in report.estimates:
        if one.predicted is not None:
            yield (
                f"Your estimate of {one.title}, in {one.unit}: predicted {figure(one.predicted)}, "
                f"measured {figure(one.measured)}."
            )
    yield from _first_trouble(report)
    verdict = report.verdict
    points = f"{verdict.earned} of {verdict.points} points"
    yield f"Verdict: {verdict.outcome.value}, {points}. {verdict.sentence}"


def _requirement(one: RequirementResult) -> str:
    reason = f" {one.reason}." if one.outcome is Outcome.SKIPPED else ""
    points = f"{one.earned} of {one.points} points"
    return f"{one.outcome.value}: {one.id}, {points}. {one.title}.{reason}"


def _measured(load: LoadFigures) -> Iterator[str]:
    for name, side in (("yours", load.submission), ("reference", load.reference)):
        if side:
            yield (
                f"Load {load.profile}, {name}: {side.offered} requests, {side.errors} failed, "
                f"p50 {figure(side.p50_ms)} ms, p95 {figure(side.p95_ms)} ms, "
                f"p99 {figure(side.p99_ms)} ms, CPU {figure(side.cpu_ms_per_request)} ms each."
            )


def _first_trouble(report: Report) -> Iterator[str]:
    if report.problem:
        yield f"{report.problem.culprit}: {report.problem.problem}"
        yield from report.problem.log
        return
    requirement = first_trouble(report)
    if not requirement:
        return
    yield f"{INTROS[requirement.outcome]}: {requirement.id}. {requirement.title}."
    check = next((one for one in requirement.checks if one.outcome is requirement.outcome), None)
    yield from _explained(check) if check else [requirement.reason]
    if report.look_alike and report.look_alike.requirement == requirement.id:
        yield f"This looks familiar: {report.look_alike.misconception}"


def _explained(check: CheckResult) -> Iterator[str]:
    yield f"check: {check.check.rsplit('::', 1)[-1]}"
    feedback = check.feedback or Feedback("", check.outcome.value)
    parts = {
        "expected": feedback.expected,
        "got": feedback.got,
        "where": feedback.where,
        "next": feedback.next_step,
    }
    yield from (f"{name}: {text}" for name, text in parts.items() if text)
    if feedback.log:
        yield from ("your service's last lines:", *feedback.log)
