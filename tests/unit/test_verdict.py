"""From outcomes of checks to the verdict: a failure is certain, a doubt is no pass."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.manifest import Manifest
from graders.model import CheckResult, Feedback, Outcome, Problem, RequirementResult, worst
from graders.verdict import LEFT_OUT, count_outcomes, judge_requirements, judge_submission

PASSED, FAILED, INCONCLUSIVE = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE
ERROR, SKIPPED = Outcome.ERROR, Outcome.SKIPPED
IDS = ["greets", "keeps", "survives"]
CULPRITS = ["submission", "lab", "machine"]

MANIFEST = Manifest.model_validate(
    {
        "schema": 1,
        "lab": {"title": "t", "question": "q", "minutes": 1, "reference": "r"},
        "stages": [{"name": "basics", "title": "b"}, {"name": "faults", "title": "f"}],
        "requirements": [
            {"id": id_, "stage": stage, "title": id_, "points": points, "hint": "h"}
            for id_, stage, points in zip(
                IDS, ["basics", "faults", "basics"], [1, 2, 4], strict=True
            )
        ],
    }
)


def check(requirement: str, outcome: Outcome, got: str = "nothing") -> CheckResult:
    feedback = None if outcome is PASSED else Feedback("a greeting", got)
    return CheckResult("test_x", requirement, "basics", outcome, 0.1, 1, feedback)


def problem(culprit: str) -> Problem:
    return Problem(culprit, "It went wrong.", "Put it right.")


def graded(*outcomes: Outcome) -> tuple[RequirementResult, ...]:
    checks = [check(id_, outcome) for id_, outcome in zip(IDS, outcomes, strict=False)]
    return judge_requirements(MANIFEST, checks, set(IDS[: len(outcomes)]))


@pytest.mark.parametrize(
    ("outcomes", "all_in_all"),
    [
        ([], ERROR),
        ([PASSED], PASSED),
        ([PASSED, PASSED], PASSED),
        ([PASSED, SKIPPED], SKIPPED),
        ([SKIPPED, INCONCLUSIVE], INCONCLUSIVE),
        ([INCONCLUSIVE, ERROR, PASSED], ERROR),
        ([ERROR, FAILED, PASSED], FAILED),
    ],
)
def test_several_outcomes_amount_to_the_worst(outcomes: list[Outcome], all_in_all: Outcome) -> None:
    for order in itertools.permutations(outcomes):
        assert worst(order) is all_in_all


class TestARequirement:
    def test_earns_all_its_points_when_every_check_passed(self) -> None:
        checks = [check("greets", PASSED), check("greets", PASSED)]
        result = judge_requirements(MANIFEST, checks, {"greets"})[0]
        assert (result.outcome, result.earned, result.points) == (PASSED, 1, 1)
        assert result.checks == tuple(checks)

    @pytest.mark.parametrize("outcome", [FAILED, INCONCLUSIVE, ERROR, SKIPPED])
    def test_earns_nothing_when_one_check_did_not_pass(self, outcome: Outcome) -> None:
        checks = [check("greets", PASSED), check("greets", outcome)]
        result = judge_requirements(MANIFEST, checks, {"greets"})[0]
        assert (result.outcome, result.earned) == (outcome, 0)

    def test_without_any_check_could_not_be_graded(self) -> None:
        result = judge_requirements(MANIFEST, [], set(IDS))[0]
        assert (result.outcome, result.earned) == (ERROR, 0)
        assert result.reason == "no check of this requirement ran"

    def test_left_out_is_skipped(self) -> None:
        result = judge_requirements(MANIFEST, [], {"keeps"})[0]
        assert (result.outcome, result.reason) == (SKIPPED, LEFT_OUT)

    def test_says_why_in_the_words_of_the_check_that_decided(self) -> None:
        checks = [check("greets", INCONCLUSIVE, "noise"), check("greets", FAILED, "404")]
        result = judge_requirements(MANIFEST, checks, set(IDS))[0]
        assert result.reason == "expected a greeting, got 404"

    def test_that_was_skipped_says_only_what_stood_in_the_way(self) -> None:
        checks = [check("greets", SKIPPED, "stage 'basics' failed first")]
        result = judge_requirements(MANIFEST, checks, set(IDS))[0]
        assert result.reason == "stage 'basics' failed first"

    def test_stands_in_the_order_of_the_stages(self) -> None:
        assert [one.id for one in graded(PASSED)] == ["greets", "survives", "keeps"]


@pytest.mark.parametrize(
    ("outcomes", "culprit", "verdict", "exit_code"),
    [
        ([PASSED, PASSED, PASSED], None, PASSED, 0),
        ([PASSED, FAILED, PASSED], None, FAILED, 1),
        ([PASSED, FAILED, ERROR], None, FAILED, 1),
        ([PASSED, ERROR, INCONCLUSIVE], None, ERROR, 2),
        ([PASSED, INCONCLUSIVE, PASSED], None, INCONCLUSIVE, 3),
        ([PASSED, FAILED, SKIPPED], None, FAILED, 1),
        ([PASSED, SKIPPED, SKIPPED], None, INCONCLUSIVE, 3),
        ([], None, ERROR, 2),
        ([], "submission", FAILED, 1),
        ([], "lab", ERROR, 2),
        ([], "machine", ERROR, 2),
        ([PASSED, PASSED, PASSED], "machine", ERROR, 2),
        ([PASSED, PASSED, PASSED], "submission", FAILED, 1),
        ([FAILED, PASSED, PASSED], "machine", FAILED, 1),
    ],
)
def test_the_verdict_on(
    outcomes: list[Outcome], culprit: str | None, verdict: Outcome, exit_code: int
) -> None:
    result = judge_submission(graded(*outcomes), problem(culprit) if culprit else None)
    assert (result.outcome, result.exit_code) == (verdict, exit_code)


def test_skipped_is_no_verdict_that_could_pass_for_success() -> None:
    codes = {outcome: judge_submission(graded(outcome), None).exit_code for outcome in Outcome}
    assert [outcome for outcome, code in codes.items() if code == 0] == [PASSED]


@given(
    outcomes=st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(Outcome)), max_size=6),
    selected=st.sets(st.sampled_from(IDS)),
    culprit=st.sampled_from([None, *CULPRITS]),
)
def test_only_what_passed_everything_graded_without_a_problem_has_passed(
    outcomes: list[tuple[str, Outcome]], selected: set[str], culprit: str | None
) -> None:
    checks = [check(id_, outcome) for id_, outcome in outcomes]
    requirements = judge_requirements(MANIFEST, checks, selected)
    verdict = judge_submission(requirements, problem(culprit) if culprit else None)
    by_id = {id_: [outcome for name, outcome in outcomes if name == id_] for id_ in selected}
    clean = [bool(them) and set(them) == {PASSED} for them in by_id.values()]
    assert (verdict.outcome is PASSED) == (bool(clean) and all(clean) and culprit is None)
    assert (verdict.exit_code == 0) == (verdict.outcome is PASSED)
    points = {one.id: one.points for one in MANIFEST.requirements}
    passed = [id_ for id_, ok in zip(by_id, clean, strict=True) if ok]
    assert verdict.earned == sum(points[id_] for id_ in passed)
    assert verdict.complete == (selected == set(IDS) and culprit is None)


def test_a_partial_grade_says_so_and_can_still_pass() -> None:
    verdict = judge_submission(graded(PASSED, PASSED), None)
    assert (verdict.outcome, verdict.complete) == (PASSED, False)
    assert verdict.sentence == "2 of 2 requirements passed, 1 left out on request."


def test_the_sentence_counts_what_did_not_pass() -> None:
    verdict = judge_submission(graded(FAILED, SKIPPED, PASSED), None)
    assert verdict.sentence == "1 of 3 requirements passed, 1 failed, 1 skipped."


def test_a_submission_that_never_ran_is_told_why() -> None:
    assert judge_submission(graded(), problem("submission")).sentence == "It went wrong."


def test_outcomes_are_counted() -> None:
    assert count_outcomes(graded(PASSED, FAILED, PASSED)) == {PASSED: 2, FAILED: 1}


def gated(*outcomes: Outcome) -> tuple[RequirementResult, ...]:
    first, *others = MANIFEST.requirements
    manifest = MANIFEST.model_copy(
        update={"requirements": [first.model_copy(update={"gate": True}), *others]}
    )
    checks = [check(id_, outcome) for id_, outcome in zip(IDS, outcomes, strict=False)]
    return judge_requirements(manifest, checks, set(IDS))


def test_a_failed_gate_takes_the_points_of_all_that_passed() -> None:
    results = {one.id: one for one in gated(FAILED, PASSED, PASSED)}
    assert [results[id_].earned for id_ in IDS] == [0, 0, 0]
    assert [results[id_].outcome for id_ in IDS] == [FAILED, PASSED, PASSED]
    assert "greets" in results["keeps"].reason


@pytest.mark.parametrize("outcome", [PASSED, INCONCLUSIVE, ERROR])
def test_a_gate_that_did_not_fail_takes_nothing(outcome: Outcome) -> None:
    results = {one.id: one for one in gated(outcome, PASSED, FAILED)}
    assert (results["keeps"].earned, results["keeps"].reason) == (2, "")
    assert results["survives"].earned == 0
