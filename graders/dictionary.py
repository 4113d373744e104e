"""The fault dictionary of a lab: how each mutant fails, to recognise a mistake seen before.

A signature is the set of checks a submission fails, each with what the service did instead. A
submission looks like a known mistake when it fails the same checks of its first failed requirement
in the same manner, whatever else the mistake breaks as well, and not too much beside. Pure.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from graders.manifest import Manifest
from graders.model import CheckResult, LookAlike, Outcome, RequirementResult

CERTIFICATE = "certificate.json"
LIMIT = "::threshold["
LEAST_SCORE, LEAST_LEAD = 0.75, 0.1
LEAST_EXPLAINED = 0.2  # of all that failed; other mistakes may be there too
SAME_TEXT, OTHER_TEXT_WEIGHT = 0.9, 0.3
COMPARED_CHARACTERS = 200
VARYING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{6,}|\d+|[A-Za-z0-9_-]{12,}")

Signature = Mapping[str, str]  # what was got instead, by check


def signature_of(requirements: Iterable[RequirementResult]) -> dict[str, str]:
    """Return the failed checks of a grade, each with what was got, without what varies.

    Limits are left out: that a figure is too large says nothing about why.
    """
    return {
        check.check: _without_variation(check)
        for requirement in requirements
        for check in requirement.checks
        if check.outcome is Outcome.FAILED and LIMIT not in check.check
    }


def common_signature(grades: Sequence[Signature]) -> dict[str, str]:
    """Return what most grades of one submission have in common."""
    count = Counter(check for one in grades for check in one)
    return {
        check: Counter(one[check] for one in grades if check in one).most_common(1)[0][0]
        for check, times in sorted(count.items())
        if 2 * times > len(grades)
    }


def load_dictionary(lab: Path) -> dict[str, Signature]:
    """Return the signature of each mutant from the lab's certificate; none without one."""
    path = lab / CERTIFICATE
    if not path.is_file():
        return {}
    subjects = json.loads(path.read_text(encoding="utf-8")).get("subjects", [])
    return {one["name"]: one["signature"] for one in subjects if one.get("signature")}


def look_alike(
    requirements: Sequence[RequirementResult],
    dictionary: Mapping[str, Signature],
    manifest: Manifest,
) -> LookAlike | None:
    """Return the known mistake that the first failed requirement looks like; mostly none."""
    first = next((one for one in requirements if one.outcome is Outcome.FAILED), None)
    if not first:
        return None
    ours, whole = signature_of([first]), signature_of(requirements)
    ran, ran_first = _ran(requirements), _ran([first])
    scores = {}
    for mutant in manifest.mutants:
        known = {key: one for key, one in dictionary.get(mutant.name, {}).items() if key in ran}
        if not known or first.id not in mutant.caught_by:
            continue
        in_common = _in_common(whole, known)
        if in_common >= LEAST_EXPLAINED * len(whole):
            here = {key: one for key, one in known.items() if key in ran_first}
            scores[mutant.name] = min(_score(ours, here), in_common / len(known))
    ranked = sorted(scores, key=lambda name: scores[name], reverse=True)
    if not ranked or scores[ranked[0]] < LEAST_SCORE:
        return None
    if len(ranked) > 1 and scores[ranked[0]] - scores[ranked[1]] < LEAST_LEAD:
        return None  # two mistakes look the same from here
    mutant = next(one for one in manifest.mutants if one.name == ranked[0])
    return LookAlike(
        mutant=mutant.name,
        requirement=first.id,
        misconception=mutant.misconception,
        read=mutant.read,
        checks=tuple(sorted(ours)),
        score=round(scores[mutant.name], 3),
    )


def _score(ours: Signature, known: Signature) -> float:
    """Return how alike two signatures are: 1 for the same checks with the same answers."""
    everything = set(ours) | set(known)
    return _in_common(ours, known) / len(everything) if everything else 0.0


def _in_common(ours: Signature, known: Signature) -> float:
    """Return how many checks fail in both, those that fail in another manner counted in part."""
    return sum(_alike(ours[check], known[check]) for check in set(ours) & set(known))


def _alike(one: str, other: str) -> float:
    ratio = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
    return 1.0 if ratio >= SAME_TEXT else OTHER_TEXT_WEIGHT


def _ran(requirements: Iterable[RequirementResult]) -> set[str]:
    checks = (check for requirement in requirements for check in requirement.checks)
    return {check.check for check in checks if check.outcome is not Outcome.SKIPPED}


def _without_variation(check: CheckResult) -> str:
    got = check.feedback.got if check.feedback else ""
    return VARYING.sub("#", got.lower())[:COMPARED_CHARACTERS]
