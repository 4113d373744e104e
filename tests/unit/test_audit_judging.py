"""Grading the graders: what a grade of a known submission has to say, and the certificate of it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.audit.certificate import Certificate, to_markdown
from graders.audit.findings import Finding, judge, unproven
from graders.audit.subjects import Plan, Subject, subjects_of
from graders.errors import UsageError
from graders.manifest import Manifest
from graders.model import Outcome, Problem, Report
from graders.verdict import LEFT_OUT, judge_submission

MANIFEST = Manifest.model_validate(
    {
        "schema": 1,
        "lab": {"title": "Guest book", "question": "q", "minutes": 1, "reference": "r"},
        "stages": [{"name": name, "title": name} for name in ("basics", "load", "faults")],
        "requirements": [
            {"id": id_, "stage": stage, "title": id_, "points": 1, "hint": "h"}
            for id_, stage in (
                ("greets", "basics"),
                ("keeps-entries", "basics"),
                ("fast", "load"),
                ("cheap", "load"),
                ("survives-restart", "faults"),
            )
        ],
        "load": {
            "pages": {
                "user": "User",
                "thresholds": [{"requirement": "fast", "metric": "p95_ms", "max_ratio": 2.0}],
            }
        },
        "mutants": [
            {"name": name, "of": "r", "caught_by": [caught_by], "misconception": "m"}
            for name, caught_by in (("forgets", "keeps-entries"), ("dawdles", "fast"))
        ],
    }
)
SOLUTION = Subject("plain", "solution", Path("solutions/plain"))
STARTER = Subject("starter", "starter", Path("starter"))
Reporting = Callable[[Outcome], Report]


def mutant(*caught_by: str) -> Subject:
    return Subject("forgets", "mutant", Path("mutants/forgets"), caught_by)


@pytest.fixture
def all_of(report: Report) -> Reporting:
    """Make a report in which every requirement has one outcome."""

    def make(outcome: Outcome) -> Report:
        requirements = tuple(
            dataclasses.replace(one, outcome=outcome, earned=0) for one in report.requirements
        )
        verdict = judge_submission(requirements, None)
        return dataclasses.replace(report, requirements=requirements, verdict=verdict)

    return make


@pytest.mark.parametrize("outcome", Outcome)
def test_a_solution_is_graded_right_only_when_it_passes(
    outcome: Outcome, all_of: Reporting
) -> None:
    finding = judge(SOLUTION, [all_of(outcome)])
    assert finding.right == (1 if outcome is Outcome.PASSED else 0)
    assert bool(finding.wrong) == (outcome is not Outcome.PASSED)


def test_a_starter_fails_but_not_everywhere(report: Report, all_of: Reporting) -> None:
    assert judge(STARTER, [report]).wrong == ()
    assert judge(STARTER, [all_of(Outcome.FAILED)]).wrong
    assert judge(STARTER, [all_of(Outcome.PASSED)]).wrong


def test_a_mutant_is_caught_only_by_failures_of_all_requirements_named_for_it(
    report: Report,
) -> None:
    assert judge(mutant("keeps-entries"), [report]).wrong == ()
    for others in (["greets"], ["fast"], ["cheap"], ["survives-restart"]):
        (wrong,) = judge(mutant("keeps-entries", *others), [report]).wrong
        assert f"not caught (seed 4711): {others[0]}" in wrong


@pytest.mark.parametrize("subject", [SOLUTION, STARTER, mutant("keeps-entries")])
def test_a_grade_that_could_not_be_made_catches_nothing(subject: Subject, report: Report) -> None:
    problem = Problem("machine", "The disk is full.", "Empty it.")
    broken = dataclasses.replace(report, problem=problem)
    (wrong,) = judge(subject, [broken]).wrong
    assert "The disk is full." in wrong


def test_every_grade_counts(report: Report, all_of: Reporting) -> None:
    finding = judge(mutant("keeps-entries"), [report, all_of(Outcome.PASSED), report])
    assert (finding.runs, finding.right, len(finding.wrong)) == (3, 2, 1)


class TestWhatIsUnproven:
    def test_is_a_requirement_whose_checks_expected_nothing(self, report: Report) -> None:
        idle = tuple(
            dataclasses.replace(
                one, checks=tuple(dataclasses.replace(each, assertions=0) for each in one.checks)
            )
            if one.id == "cheap"
            else one
            for one in report.requirements
        )
        finding = judge(SOLUTION, [dataclasses.replace(report, requirements=idle)])
        assert unproven(MANIFEST, [finding]) == [
            "requirement cheap: no check of it ran on any solution"
        ]

    def test_is_everything_without_a_solution(self, report: Report) -> None:
        assert len(unproven(MANIFEST, [judge(STARTER, [report])])) == len(MANIFEST.requirements)

    def test_is_not_what_was_left_out_on_request(self, report: Report) -> None:
        requirements = tuple(
            dataclasses.replace(one, checks=(), reason=LEFT_OUT) if one.stage == "load" else one
            for one in report.requirements
        )
        finding = judge(SOLUTION, [dataclasses.replace(report, requirements=requirements)])
        assert unproven(MANIFEST, [finding]) == []


class TestSubjects:
    @pytest.fixture
    def lab(self, tmp_path: Path) -> Path:
        for name in ("plain", "fancy"):
            (tmp_path / "solutions" / name).mkdir(parents=True)
        (tmp_path / "solutions" / "README.md").write_text("no solution")
        return tmp_path

    def names(self, lab: Path, *only: str, load: bool = True) -> list[str]:
        plan = Plan(lab, repeat=1, load=load, only=only, seed=None)
        return [subject.name for subject in subjects_of(plan, MANIFEST)]

    def test_are_starter_solutions_and_mutants(self, lab: Path) -> None:
        assert self.names(lab) == ["starter", "fancy", "plain", "forgets", "dawdles"]

    def test_leave_out_mutants_only_load_can_catch_when_there_is_none(self, lab: Path) -> None:
        assert self.names(lab, load=False) == ["starter", "fancy", "plain", "forgets"]

    def test_can_be_chosen(self, lab: Path) -> None:
        assert self.names(lab, "plain", "dawdles") == ["plain", "dawdles"]
        with pytest.raises(UsageError, match="no solution or mutant nobody"):
            self.names(lab, "nobody")

    def test_are_graded_alone_where_time_decides(self, lab: Path) -> None:
        plan = Plan(lab, repeat=1, load=True, only=(), seed=None)
        timed = {one.name for one in subjects_of(plan, MANIFEST) if one.timed}
        assert timed == {"starter", "fancy", "plain", "dawdles"}


class TestTheCertificate:
    def certificate(self, *findings: Finding) -> Certificate:
        return Certificate("guest_book", "Guest book", True, findings, ("It leaks.",), "make audit")

    def test_counts_only_what_was_right_every_time(self, report: Report, all_of: Reporting) -> None:
        passed = all_of(Outcome.PASSED)
        certificate = self.certificate(
            judge(SOLUTION, [passed, passed]), judge(mutant("keeps-entries"), [report, passed])
        )
        assert "0 of 1 mutants caught" in certificate.sentence
        assert "1 of 1 solutions passed, every time of 2" in certificate.sentence
        text = to_markdown(certificate)
        assert "| mutant | `forgets` | 1/2 | `keeps-entries` |" in text
        assert "| `keeps-entries` | 2 | 4 |" in text
        assert "- It leaks." in text

    def test_shows_the_worst_margin_of_all_runs(self, report: Report) -> None:
        text = to_markdown(self.certificate(judge(SOLUTION, [report])))
        assert "| pages p95_ms | `plain` | 2.60 × (upper end) | 2 × |" in text

    @pytest.mark.parametrize("limits", [{}, {"max": 5.0, "max_ratio": None}])
    def test_never_shows_an_unknown_margin_as_a_small_one(
        self, report: Report, limits: dict[str, float | None]
    ) -> None:
        known = dataclasses.replace(report.thresholds[0], **limits)  # type: ignore[arg-type]
        unknown = dataclasses.replace(known, ratio=None, measured=None)
        reports = [dataclasses.replace(report, thresholds=(one,)) for one in (known, unknown)]
        assert "| inf" in to_markdown(self.certificate(judge(SOLUTION, reports)))
