"""Choosing an interviewer's questions: the same history leads to the same questions. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graders.interview.evidence import Evidence, evidence_for, failures
from graders.interview.past import Past
from graders.manifest import FollowUp, FollowUps, Manifest
from graders.manifest.follow_ups import Estimated, Measured, fields_of, requirement_of


@dataclass(frozen=True)
class Question:
    """One question as it is put, why it is, and what a strong answer contains."""

    text: str
    evidence: Evidence | None
    listen_for: tuple[str, ...]
    requirements: tuple[str, ...]


def choose(
    follow_ups: FollowUps, manifest: Manifest, past: Sequence[Past], count: int
) -> list[Question]:
    """Return at most `count` questions for these attempts, oldest first.

    First those whose condition was measured, the figure farthest beyond its mark before others;
    then those without a condition, the more often what they are about failed the sooner. Ties
    keep the order of the file.
    """
    measured = list(_measured(follow_ups, manifest, past))
    general = [_general(one, past) for one in follow_ups.follow_ups if one.when is None]
    ranked = [*sorted(measured, key=_strength), *sorted(general, key=_strength)]
    return ranked[:count]


def _strength(question: Question) -> float:
    return -question.evidence.strength if question.evidence else 0.0


def _measured(
    follow_ups: FollowUps, manifest: Manifest, past: Sequence[Past]
) -> Iterator[Question]:
    for one in follow_ups.follow_ups:
        if one.when is None:
            continue
        if isinstance(one.when, Measured | Estimated):
            found = evidence_for(one.when, past)
        else:
            title = manifest.requirement(requirement_of(one.when)).title
            found = evidence_for(one.when, past, title)
        if found and fields_of(one.question) <= found.filled.keys():
            text = one.question.format_map(found.filled)
            yield Question(text, found, tuple(one.listen_for), tuple(one.requirements))


def _general(one: FollowUp, past: Sequence[Past]) -> Question:
    """Return a question without a condition, with the failure it has most to do with."""
    found = [evidence for name in one.requirements if (evidence := failures(name, past))]
    evidence = max(found, key=lambda each: each.strength, default=None)
    return Question(one.question, evidence, tuple(one.listen_for), tuple(one.requirements))
