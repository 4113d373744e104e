"""What was measured that gives reason to ask a question."""

import dataclasses
import textwrap
from collections.abc import Iterator, Sequence

from graders.interview.figures import figure, load_of, number, quantity, thresholds_of
from graders.interview.past import Past, decided
from graders.manifest.follow_ups import (
    QUOTIENT,
    Broke,
    Estimated,
    Failed,
    Flickered,
    Measured,
    Turned,
    When,
    requirement_of,
)
from graders.model import EstimateResult, LoadFigures, Outcome, Report, ThresholdResult
from graders.thresholds.judging import NAMES

TIMES = {0: "never", 1: "once", 2: "twice"}
FARTHEST = 100.0
REASON_CHARACTERS = 300
Found = tuple[float, str, dict[str, str]]  # the figure, a sentence, the words for braces


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Why a question is asked: a sentence with the figures, and the attempts they come from.

    `reason` is what a check said, with words of the submission in it: not to be taken for ours.
    `strength` is how far beyond its mark the figure lies, 1 at the mark; `filled` are the words
    for the braces of the question.
    """

    sentence: str
    attempts: tuple[Past, ...]
    strength: float = 1.0
    filled: dict[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""


def evidence_for(when: When, past: Sequence[Past], title: str = "") -> Evidence | None:
    """Return what speaks for a question in these attempts, oldest first; None if nothing does.

    `title` is the one of the requirement that a condition on outcomes names.
    """
    if isinstance(when, Measured):
        return _newest(when, past)
    if isinstance(when, Estimated):
        return _estimated(when, past)
    return _of_outcomes(when, past, title)


def times(count: int) -> str:
    """Return how often something happened, in words."""
    return TIMES.get(count, f"{count} times")


def failures(requirement: str, past: Sequence[Past]) -> Evidence | None:
    """Return in which attempts a requirement failed, with the newest one's reason."""
    failed = tuple(one for one, outcome in decided(past, requirement) if outcome is Outcome.FAILED)
    if not failed:
        return None
    sentence = f"`{requirement}` failed {times(len(failed))}"
    reason = reason_of(failed[-1], requirement)
    return Evidence(sentence, failed, float(len(failed)), reason=reason)


def reason_of(one: Past, requirement: str) -> str:
    """Return in a line why a requirement did not pass in an attempt, or nothing."""
    results = one.report.requirements if one.report else ()
    reason = next((each.reason for each in results if each.id == requirement), "")
    return textwrap.shorten(reason, REASON_CHARACTERS, placeholder=" …")


def _of_outcomes(
    when: Failed | Turned | Broke | Flickered, past: Sequence[Past], title: str
) -> Evidence | None:
    requirement = requirement_of(when)
    failed = failures(requirement, past)
    if not failed:
        return None
    filled = {"times": times(len(failed.attempts)), "title": title}
    history = decided(past, requirement)
    if isinstance(when, Failed):
        strength = failed.strength / when.times
        enough = dataclasses.replace(failed, strength=strength, filled=filled)
        return enough if strength >= 1 else None
    if isinstance(when, Flickered):
        attempts, course = _same_files(history), "passed and failed with the same files"
    elif isinstance(when, Turned):
        attempts = turning(history, Outcome.PASSED)
        course = "failed, and passed from the next attempt on"
    else:
        attempts = turning(history, Outcome.FAILED)
        course = "passed, and failed from the next attempt on"
    sentence = f"`{requirement}` {course}"
    return Evidence(sentence, attempts, filled=filled) if attempts else None


def turning(history: list[tuple[Past, Outcome]], into: Outcome) -> tuple[Past, ...]:
    """Return the last attempt with another outcome and the one after it, if it stayed `into`."""
    others = [index for index, (_, outcome) in enumerate(history) if outcome is not into]
    if not others or others[-1] + 1 == len(history):
        return ()
    return history[others[-1]][0], history[others[-1] + 1][0]


def _same_files(history: list[tuple[Past, Outcome]]) -> tuple[Past, ...]:
    """Return a newest pair of attempts at the same files with different outcomes."""
    for index, (one, outcome) in reversed(list(enumerate(history))):
        for other, before in reversed(history[:index]):
            if one.content_hash and one.content_hash == other.content_hash and outcome != before:
                return other, one
    return ()


def _newest(when: Measured, past: Sequence[Past]) -> Evidence | None:
    """Look at the newest attempt that measured the figure; older ones are water under bridges."""
    for one in reversed(past):
        if one.report and (found := _measured(when, one.report)):
            value, sentence, filled = found
            strength = _beyond(when, value)
            return Evidence(sentence, (one,), strength, filled) if strength >= 1 else None
    return None


def _beyond(when: Measured, value: float) -> float:
    """Return how far beyond the marks a figure lies; below 1 it does not reach one of them."""
    reached = []
    if when.above is not None:
        reached.append(value / when.above if when.above > 0 else float(value >= when.above))
    if when.below is not None:
        reached.append(when.below / value if value > 0 else float(value <= when.below) * FARTHEST)
    return min(FARTHEST, *reached)


def _measured(when: Measured, report: Report) -> Found | None:
    if when.against:
        judged = thresholds_of(report, when.profile, when.metric)
        compared = [found for one in judged if (found := _compared(when.against, one))]
        return max(compared, key=lambda one: one[0], default=None)
    if load := load_of(report, when.profile):
        return _quotient(when, load) if QUOTIENT in when.metric else _single(when, load)
    return None


def _single(when: Measured, load: LoadFigures) -> Found | None:
    value = figure(load, when.metric, when.endpoint)
    if value is None:
        return None
    shown, name = quantity(when.metric, value), NAMES.get(when.metric, "The longest time")
    return value, f"{name} was {shown} under load profile `{load.profile}`", {"value": shown}


def _quotient(when: Measured, load: LoadFigures) -> Found | None:
    upper, lower = when.metric.split(QUOTIENT)
    above, below = figure(load, f"{upper}_ms"), figure(load, f"{lower}_ms")
    if not above or not below:
        return None
    filled = {
        "value": number(above / below),
        f"{upper}_ms": number(above),
        f"{lower}_ms": number(below),
    }
    sentence = (
        f"{upper} was {number(above)} ms and {lower} {number(below)} ms under load profile "
        f"`{load.profile}`: {filled['value']} ×"
    )
    return above / below, sentence, filled


def _compared(against: str, one: ThresholdResult) -> Found | None:
    """Return a judged limit's figure against the reference, the limit, or the size."""
    sentence = one.sentence.removesuffix(".")
    filled = {} if one.measured is None else {"measured": quantity(one.metric, one.measured)}
    if against == "size":
        return None if one.slope is None else (one.slope, sentence, {"value": number(one.slope)})
    if against == "reference":
        if one.ratio is None or one.reference is None:
            return None
        filled["reference"] = quantity(one.metric, one.reference)
        return one.ratio.estimate, sentence, {**filled, "value": number(one.ratio.estimate)}
    share, limit = max(_shares(one), default=(0.0, ""))
    if not limit:
        return None
    return share, sentence, {**filled, "value": f"{number(100 * share)} %", "limit": limit}


def _shares(one: ThresholdResult) -> Iterator[tuple[float, str]]:
    """Return how much of each of its bounds a figure takes, and the bound in words."""
    if one.ratio and one.max_ratio:
        yield one.ratio.estimate / one.max_ratio, f"{number(one.max_ratio)} × the reference's"
    if one.measured is not None and one.max:
        yield one.measured / one.max, quantity(one.metric, one.max)
    if one.slope is not None and one.max_slope:
        yield one.slope / one.max_slope, f"growth like rows^{number(one.max_slope)}"


def _estimated(when: Estimated, past: Sequence[Past]) -> Evidence | None:
    """Look at the newest attempt in which both the prediction and the measure are known."""
    for one in reversed(past):
        known = one.report.estimates if one.report else ()
        for each in (each for each in known if each.key == when.estimate and each.factor):
            factor, sentence, filled = _apart(each)
            strength = factor / when.off_by
            return Evidence(sentence, (one,), strength, filled) if strength >= 1 else None
    return None


def _apart(one: EstimateResult) -> Found:
    """Return by which factor, 1 or more, a prediction was wrong in either direction."""
    assert one.factor
    assert one.predicted
    assert one.measured
    factor = max(one.factor, 1 / one.factor)
    filled = {
        "predicted": number(one.predicted),
        "measured": number(one.measured),
        "factor": number(factor),
        "unit": one.unit,
    }
    sentence = (
        f"{one.title}: predicted {filled['predicted']} {one.unit}, measured "
        f"{filled['measured']}, a factor of {filled['factor']}"
    )
    return factor, sentence, filled
