"""What `follow_ups.toml` may say: an interviewer's questions, and when each is asked."""

import string
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from graders.manifest.lab import Manifest
from graders.manifest.lines import Location
from graders.manifest.load import COUNTED_METRICS, LoadProfile
from graders.manifest.part import Name, Part, RequirementId
from graders.manifest.words import did_you_mean

Metric = Literal[
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "worst_ms",
    "p95_over_p50",
    "p99_over_p50",
    "worst_over_p99",
    "error_fraction",
    "cpu_ms_per_request",
    "sql_per_request",
    "redis_per_request",
    "blocks_per_request",
    "rows_per_request",
    "temp_blocks_per_request",
    "wal_bytes_per_request",
    "bytes_per_request",
]
QUOTIENT = "_over_"
LIMIT_OF = {"reference": "max_ratio", "size": "max_slope"}


class Failed(Part):
    """`when = { failed = … }`: a requirement failed; `{times}` and `{title}` can be filled in."""

    failed: RequirementId
    """The requirement."""
    times: Annotated[int, Field(gt=0)] = 1
    """In at least so many attempts."""


class Turned(Part):
    """`when = { turned = … }`: it failed, and then held; `{times}`, `{title}`."""

    turned: RequirementId
    """The requirement."""


class Broke(Part):
    """`when = { broke = … }`: it held once and fails now; `{times}`, `{title}`."""

    broke: RequirementId
    """The requirement."""


class Flickered(Part):
    """`when = { flickered = … }`: the same files passed and failed; `{times}`, `{title}`."""

    flickered: RequirementId
    """The requirement."""


class Measured(Part):
    """`when = { metric = … }`: a figure under load, in the newest attempt that has it; `{value}`.

    Of a quotient its parts can be filled in too, such as `{p99_ms}` and `{p50_ms}`; against the
    reference `{measured}` and `{reference}`, against a limit `{measured}` and `{limit}`.
    """

    metric: Metric
    """The figure; X_over_Y is how many times Y it is."""
    profile: Name
    """The load profile it was measured under."""
    endpoint: str | None = None
    """Of a counted profile: only this class of requests; without it the largest figure counts."""
    against: Literal["reference", "limit", "size"] | None = None
    """Compared is its multiple of the reference's, its share of the limit, or its growth."""
    above: float | None = None
    """The question is asked from here upward."""
    below: float | None = None
    """The question is asked from here downward."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("say from which figure on: `above` or `below`")
        return self


class Estimated(Part):
    """`when = { estimate = … }`: a wrong prediction; `{predicted}`, `{measured}`, `{factor}`."""

    estimate: Name
    """The key of the estimate."""
    off_by: Annotated[float, Field(gt=1)]
    """Predicted and measured lie at least this factor apart, in either direction."""


KINDS: dict[str, type[Part]] = {
    "failed": Failed,
    "turned": Turned,
    "broke": Broke,
    "flickered": Flickered,
    "metric": Measured,
    "estimate": Estimated,
}
OUTCOME_KINDS = (Failed, Turned, Broke, Flickered)


def _kind(value: Any) -> str | None:
    if isinstance(value, Part):
        return next(kind for kind, model in KINDS.items() if isinstance(value, model))
    named = [kind for kind in KINDS if isinstance(value, dict) and kind in value]
    return named[0] if len(named) == 1 else None


When = Annotated[
    Annotated[Failed, Tag("failed")]
    | Annotated[Turned, Tag("turned")]
    | Annotated[Broke, Tag("broke")]
    | Annotated[Flickered, Tag("flickered")]
    | Annotated[Measured, Tag("metric")]
    | Annotated[Estimated, Tag("estimate")],
    Discriminator(
        _kind,
        custom_error_type="what_was_measured",
        custom_error_message=f"name exactly one of: {', '.join(KINDS)}",
    ),
]


class FollowUp(Part):
    """`[[follow_ups]]`: a question for after a grade, and what a strong answer contains."""

    question: Annotated[str, Field(min_length=1)]
    """The question; with `when`, figures in braces are filled in, such as `{value}`."""
    listen_for: Annotated[list[str], Field(min_length=1)]
    """What a strong answer contains; learners rate theirs against each."""
    requirements: Annotated[list[RequirementId], Field(min_length=1)]
    """What it is about; who missed one of them is asked before others."""
    when: When | None = None
    """What must have been measured for it to be asked; without it, it may always be."""


class FollowUps(Part):
    """A whole `follow_ups.toml`."""

    follow_ups: Annotated[list[FollowUp], Field(min_length=1)]


def requirement_of(when: Failed | Turned | Broke | Flickered) -> str:
    """Return the requirement whose outcomes a condition looks at."""
    [name] = [getattr(when, kind) for kind in KINDS if hasattr(when, kind)]
    return str(name)


def placeholders(when: Part) -> set[str]:
    """Return what a question with this condition may have in braces."""
    if isinstance(when, Measured):
        parts = when.metric.split(QUOTIENT) if QUOTIENT in when.metric else []
        compared = {"reference": {"reference", "measured"}, "limit": {"limit", "measured"}}
        return {"value", *(f"{one}_ms" for one in parts), *compared.get(when.against or "", ())}
    if isinstance(when, Estimated):
        return {"predicted", "measured", "factor", "unit"}
    return {"times", "title"}


def follow_up_disagreements(
    follow_ups: FollowUps, manifest: Manifest
) -> Iterator[tuple[Location, str]]:
    """Return every name in the questions that the lab's manifest does not know; with its place."""
    ids = [one.id for one in manifest.requirements]
    for index, one in enumerate(follow_ups.follow_ups):
        place: Location = ("follow_ups", index)
        for name in one.requirements:
            for message in _unknown("requirement", name, ids):
                yield (*place, "requirements"), message
        if one.when:
            for message in _of_condition(one.when, manifest):
                yield (*place, "when"), message
            for message in _of_template(one.question, placeholders(one.when)):
                yield (*place, "question"), message


def _unknown(what: str, name: str, known: list[str]) -> Iterator[str]:
    if name not in known:
        yield f"{what} {name!r} does not exist{did_you_mean(name, known)}"


def _of_condition(when: Part, manifest: Manifest) -> Iterator[str]:
    if isinstance(when, OUTCOME_KINDS):
        ids = [one.id for one in manifest.requirements]
        yield from _unknown("requirement", requirement_of(when), ids)
    elif isinstance(when, Estimated):
        yield from _unknown("estimate", when.estimate, [one.key for one in manifest.estimates])
    elif isinstance(when, Measured):
        yield from _unknown("load profile", when.profile, list(manifest.load))
        if when.profile in manifest.load:
            yield from _of_measured(when, manifest.load[when.profile])


def _of_measured(when: Measured, profile: LoadProfile) -> Iterator[str]:
    if (when.metric in COUNTED_METRICS) != (profile.mode == "counted"):
        yield f"a {profile.mode} profile does not measure {when.metric}"
    if when.endpoint:
        yield from _unknown("class", when.endpoint, list(profile.classes))
    if when.against:
        limit = LIMIT_OF.get(when.against, "metric")  # any limit has a metric
        limits = [one for one in profile.thresholds if one.metric == when.metric]
        if not any(getattr(one, limit) is not None for one in limits):
            kind = "limit" if limit == "metric" else f"`{limit}`"
            yield f"load profile {when.profile!r} has no {kind} of {when.metric} to compare with"


def fields_of(question: str) -> set[str]:
    """Return what stands in braces in a question with a condition."""
    return {field for _, field, _, _ in string.Formatter().parse(question) if field is not None}


def _of_template(question: str, known: set[str]) -> Iterator[str]:
    try:
        unknown = sorted(fields_of(question) - known)
        question.format_map(dict.fromkeys(known | set(unknown), ""))
    except (ValueError, AttributeError, IndexError, KeyError) as reason:
        yield f"{reason}; a brace that is meant as such is written twice"
        return
    shown = ", ".join(f"{{{one}}}" for one in sorted(known))
    for name in unknown:
        yield f"{{{name}}} can't be filled in; here are {shown}"
