"""Grading the graders: what a grade of a known submission has to say, and the certificate of it."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.audit.certificate import Certificate, to_json, to_markdown
from graders.audit.findings import Finding, judge, unproven
from graders.audit.margins import margins, never_missed
from graders.audit.rates import Rate
from graders.audit.recognition import Recognition
from graders.audit.subjects import Plan, Subject, subjects_of
from graders.errors import UsageError
from graders.manifest import Manifest
from graders.model import Interval, Outcome, Problem, Report, ThresholdResult
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

    def test_are_graded_by_what_is_near_only_for_a_certificate(self, lab: Path) -> None:
        graded = {
            load: subjects_of(
                Plan(lab, repeat=1, load=load, only=("forgets",), seed=None), MANIFEST
            )
            for load in (True, False)
        }
        assert graded[False][0].graded == graded[False][0].caught_by
        assert set(graded[True][0].graded) > set(graded[False][0].graded)

    def test_are_graded_alone_where_time_decides(self, lab: Path) -> None:
        plan = Plan(lab, repeat=1, load=True, only=(), seed=None)
        timed = {one.name for one in subjects_of(plan, MANIFEST) if one.timed}
        assert timed == {"starter", "fancy", "plain", "dawdles"}


class TestTheCertificate:
    def certificate(self, *findings: Finding) -> Certificate:
        return Certificate(
            lab="guest_book",
            title="Guest book",
            complete=True,
            findings=findings,
            margins=tuple(margins(MANIFEST, findings)),
            recognition=Recognition(3, 0, 1, 1, 3),
            problems=("It leaks.",),
            command="make audit",
        )

    def test_counts_only_what_was_right_every_time(self, report: Report, all_of: Reporting) -> None:
        passed = all_of(Outcome.PASSED)
        certificate = self.certificate(
            judge(SOLUTION, [passed, passed]), judge(mutant("keeps-entries"), [report, passed])
        )
        assert "0 of 1 mutants caught" in certificate.sentence
        assert "1 of 1 solutions passed, every time of 2" in certificate.sentence
        text = to_markdown(certificate)
        assert "| mutant | `forgets` | 1/2 (12%–88%) ✗ | `keeps-entries` |  |" in text
        assert "| `keeps-entries` | 2 | 4 |" in text
        assert "- It leaks." in text

    def test_shows_the_worst_margin_of_all_runs(self, report: Report) -> None:
        text = to_markdown(self.certificate(judge(SOLUTION, [report])))
        assert "| pages p95_ms | 2 × | 2.6 × `plain` | 0.769 × | – | – ⚠ |" in text

    def test_never_shows_an_unknown_margin_as_a_small_one(self, report: Report) -> None:
        known = report.thresholds[0]
        unknown = dataclasses.replace(known, ratio=None, measured=None)
        reports = [dataclasses.replace(report, thresholds=(one,)) for one in (known, unknown)]
        assert "| ∞ × `plain` | 0 × |" in to_markdown(self.certificate(judge(SOLUTION, reports)))


@pytest.mark.parametrize(
    ("count", "runs", "low", "high"),
    [(10, 10, 0.787, 1.0), (0, 10, 0.0, 0.213), (1, 2, 0.121, 0.879), (0, 0, 0.0, 1.0)],
)
def test_few_grades_say_little_about_a_rate(count: int, runs: int, low: float, high: float) -> None:
    assert Rate(count, runs).interval == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize(
    ("role", "right", "sound"),
    [("mutant", 19, True), ("mutant", 18, False), ("solution", 20, True), ("solution", 19, False)],
)
def test_a_mutant_may_escape_once_in_twenty_a_solution_must_never_fail(
    role: str, right: int, sound: bool
) -> None:
    subject = dataclasses.replace(SOLUTION, role=role)
    assert Finding(subject, 20, right, (), ()).is_sound is sound


def limit_shown(ratio: float, outcome: Outcome) -> ThresholdResult:
    interval = Interval(ratio, ratio, ratio)
    return ThresholdResult("fast", "pages", "p95_ms", outcome, "-", 4.0, 2.0, interval, None, 2.0)


class TestMargins:
    def finding(self, report: Report, subject: Subject, ratio: float) -> Finding:
        outcome = Outcome.FAILED if ratio > 2 else Outcome.PASSED
        result = limit_shown(ratio, outcome)
        return judge(subject, [dataclasses.replace(report, thresholds=(result,))])

    def test_show_the_room_on_both_sides_of_a_limit(self, report: Report) -> None:
        good, bad = self.finding(report, SOLUTION, 1.0), self.finding(report, mutant("fast"), 5.0)
        [one] = margins(MANIFEST, [good, bad])
        assert (one.limit, one.worst_good, one.nearest_bad) == (
            2.0,
            {"plain": 1.0},
            ("forgets", 5.0),
        )
        assert (one.room_to_good, one.room_to_bad, one.is_tight) == (2.0, 2.5, False)
        assert never_missed(MANIFEST, [good, bad]) == []

    @pytest.mark.parametrize(("good", "bad"), [(1.9, 5.0), (1.0, 2.1)])
    def test_mark_a_limit_that_noise_decides(self, report: Report, good: float, bad: float) -> None:
        findings = [
            self.finding(report, SOLUTION, good),
            self.finding(report, mutant("fast"), bad),
        ]
        [one] = margins(MANIFEST, findings)
        assert one.is_tight

    def test_a_limit_that_no_mutant_misses_is_a_problem(self, report: Report) -> None:
        findings = [
            self.finding(report, SOLUTION, 1.0),
            self.finding(report, mutant("fast"), 1.5),
        ]
        [problem] = never_missed(MANIFEST, findings)
        assert "p95_ms of load profile 'pages'" in problem
        assert "no mutant misses it" in problem


def test_who_else_fails_is_said(report: Report, all_of: Reporting) -> None:
    finding = judge(mutant("greets"), [report])
    assert finding.also_failed == {"keeps-entries": 1}
    assert "caught by keeps-entries instead" in finding.wrong[0]


def test_a_certificate_is_json_without_infinities(report: Report) -> None:
    findings = (judge(SOLUTION, [report]), judge(mutant("keeps-entries"), [report]))
    text = to_json(
        Certificate("guest_book", "Guest book", True, findings, (), Recognition(), (), "make audit")
    )
    document = json.loads(text)
    [entry] = [one for one in document["subjects"] if one["role"] == "mutant"]
    assert list(entry["signature"]) == ["checks/test_basics.py::test_an_entry_is_kept"]
    assert entry["interval"][1] == 1.0
