"""Recognising a mistake by how it fails; better to say nothing than something wrong."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from graders.dictionary import common_signature, load_dictionary, look_alike, signature_of
from graders.manifest import Manifest
from graders.model import CheckResult, Feedback, Outcome, RequirementResult

MANIFEST = Manifest.model_validate(
    {
        "schema": 1,
        "lab": {"title": "T", "question": "q", "minutes": 1, "reference": "r"},
        "stages": [{"name": "basics", "title": "-"}],
        "requirements": [
            {"id": id_, "stage": "basics", "title": id_, "points": 50, "hint": "h"}
            for id_ in ("alias", "expires")
        ],
        "mutants": [
            {
                "name": name,
                "of": "r",
                "caught_by": [by],
                "misconception": f"about {name}",
                "read": "x",
            }
            for name, by in (("races", "alias"), ("overwrites", "alias"), ("stays", "expires"))
        ],
    }
)
RACES = {"one": "2 of 50 got 201", "two": "201 with body #"}
OVERWRITES = {"two": "the second link's url", "three": "200 instead of 409"}
STAYS = {"four": "302 after 1 s"}


def failing(
    got: Mapping[str, str],
    requirement: str = "alias",
    checks_run: Sequence[str] = ("one", "two", "three", "four"),
) -> list[RequirementResult]:
    """A requirement whose checks fail with these answers; the others of it pass."""
    checks = tuple(
        CheckResult(
            name,
            requirement,
            "basics",
            Outcome.FAILED if name in got else Outcome.PASSED,
            0.1,
            1,
            Feedback("it", got[name]) if name in got else None,
        )
        for name in checks_run
    )
    outcome = Outcome.FAILED if got else Outcome.PASSED
    return [RequirementResult(requirement, "t", "basics", outcome, 50, 0, "", checks)]


DICTIONARY = {
    "races": signature_of(failing(RACES)),
    "overwrites": signature_of(failing(OVERWRITES)),
    "stays": signature_of(failing(STAYS)),
}


def test_the_same_failure_is_recognised_with_its_evidence() -> None:
    found = look_alike(failing(RACES), DICTIONARY, MANIFEST)
    assert found
    assert (found.mutant, found.misconception, found.read) == ("races", "about races", "x")
    assert (found.requirement, found.checks, found.score) == ("alias", ("one", "two"), 1.0)


def test_what_varies_between_runs_does_not_matter() -> None:
    known = {"races": signature_of(failing({"one": "12 of 50 got 201, first code 3fA9bC27dE81x"}))}
    found = look_alike(
        failing({"one": "3 of 50 got 201, first code aa9bC27dE81qq"}), known, MANIFEST
    )
    assert found
    assert found.mutant == "races"


@pytest.mark.parametrize(
    "got",
    [
        {},
        {"one": "no answer: connection refused"},  # fails, but in another manner
        {"one": RACES["one"]},  # half of it
        {**RACES, **OVERWRITES},  # everything fails
        {"two": RACES["two"], **STAYS},
    ],
)
def test_a_poor_match_says_nothing(got: dict[str, str]) -> None:
    assert look_alike(failing(got), DICTIONARY, MANIFEST) is None


def test_two_mistakes_that_look_the_same_say_nothing() -> None:
    assert (
        look_alike(failing(RACES), {**DICTIONARY, "overwrites": DICTIONARY["races"]}, MANIFEST)
        is None
    )


def test_a_mistake_known_to_break_another_requirement_says_nothing() -> None:
    assert look_alike(failing(RACES, "expires"), DICTIONARY, MANIFEST) is None


def test_a_mistake_that_breaks_more_elsewhere_is_another_one() -> None:
    more = {"five": "a", "six": "b"}
    known = {"races": {**DICTIONARY["races"], **more}}
    assert look_alike([*failing(RACES), *failing(more, "expires", list(more))], known, MANIFEST)
    passed = failing({}, "expires", list(more))
    assert look_alike([*failing(RACES), *passed], known, MANIFEST) is None


def test_a_mistake_that_explains_little_of_what_failed_says_nothing() -> None:
    much = {f"more {number}": "x" for number in range(9)}
    whole = [*failing(RACES), *failing(much, "expires", list(much))]
    assert look_alike(whole, DICTIONARY, MANIFEST) is None


def test_checks_that_did_not_run_are_no_evidence_against() -> None:
    [one] = failing({"one": RACES["one"]})
    one = dataclasses.replace(one, checks=tuple(c for c in one.checks if c.check != "two"))
    found = look_alike([one], DICTIONARY, MANIFEST)
    assert found
    assert found.mutant == "races"


def test_a_signature_is_what_most_grades_have_in_common() -> None:
    grades = [{"one": "a", "two": "b"}, {"one": "a"}, {"one": "c", "three": "d"}]
    assert common_signature(grades) == {"one": "a"}


def test_a_lab_without_a_certificate_knows_no_mistakes(tmp_path: Path) -> None:
    assert load_dictionary(tmp_path) == {}
    subjects = [{"name": "races", "signature": RACES}, {"name": "plain", "signature": {}}]
    (tmp_path / "certificate.json").write_text(json.dumps({"subjects": subjects}))
    assert load_dictionary(tmp_path) == {"races": RACES}


def test_a_figure_over_its_limit_is_no_signature() -> None:
    assert signature_of(failing({"one": "x"})) == {"one": "x"}
    [one] = failing({"one": "x"})
    limit = dataclasses.replace(one.checks[0], check="checks/test_load.py::threshold[hot-p95_ms]")
    assert signature_of([dataclasses.replace(one, checks=(limit,))]) == {}
