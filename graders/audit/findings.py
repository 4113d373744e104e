"""Whether the grades of a known submission said what they had to say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from graders.audit.rates import Rate
from graders.audit.subjects import Subject
from graders.manifest import Manifest
from graders.model import Outcome, Report
from graders.verdict import LEFT_OUT

LEAST_DETECTION = 19 / 20


@dataclass(frozen=True)
class Finding:
    """How one subject fared: `right` of `runs` grades said what they had to say."""

    subject: Subject
    runs: int
    right: int
    wrong: tuple[str, ...]
    reports: tuple[Report, ...]

    @property
    def rate(self) -> Rate:
        """How often a grade of it was right."""
        return Rate(self.right, self.runs)

    @property
    def is_sound(self) -> bool:
        """Say if it was graded rightly often enough: a mutant nearly, a solution always."""
        least = LEAST_DETECTION if self.subject.role == "mutant" else 1.0
        return self.rate.value >= least

    @property
    def also_failed(self) -> dict[str, int]:
        """How often other requirements than the named ones failed."""
        failed = Counter(
            one.id
            for report in self.reports
            for one in report.requirements
            if one.outcome is Outcome.FAILED and one.id not in self.subject.caught_by
        )
        return dict(sorted(failed.items()))


def judge(subject: Subject, reports: Sequence[Report]) -> Finding:
    """Judge all grades of one subject."""
    wrong = [reason for report in reports if (reason := _wrong(subject, report))]
    return Finding(subject, len(reports), len(reports) - len(wrong), tuple(wrong), tuple(reports))


def _wrong(subject: Subject, report: Report) -> str | None:
    """Say what a grade of a known submission got wrong."""
    seed = f"(seed {report.seed})"
    outcomes = {one.id: one for one in report.requirements}
    if subject.role == "solution":
        if report.verdict.outcome is Outcome.PASSED:
            return None
        bad = [
            f"{one.id} {one.outcome.value}: {one.reason}"
            for one in report.requirements
            if one.outcome is not Outcome.PASSED and one.checks
        ]
        problem = [report.problem.problem] if report.problem else []
        return f"a good solution did not pass {seed}: {'; '.join(problem + bad)[:600]}"
    if report.problem:
        return f"could not be graded {seed}: {report.problem.problem}"
    if subject.role == "starter":
        passed = any(one.outcome is Outcome.PASSED for one in report.requirements)
        fine = report.verdict.outcome is Outcome.FAILED and passed
        return None if fine else f"the starter must fail and pass some requirements {seed}"
    missed = [name for name in subject.caught_by if outcomes[name].outcome is not Outcome.FAILED]
    if not missed:
        return None
    what = ", ".join(f"{name} {outcomes[name].outcome.value}" for name in missed)
    others = [name for name, one in outcomes.items() if one.outcome is Outcome.FAILED]
    instead = f"; caught by {', '.join(others)} instead" if others else ""
    return f"not caught {seed}: {what}{instead} {outcomes[missed[0]].reason[:200]}".rstrip()


def unproven(manifest: Manifest, findings: Sequence[Finding]) -> list[str]:
    """Return what the audit could not prove: requirements without a check that ran and expected."""
    results = [
        one
        for finding in findings
        if finding.subject.role == "solution"
        for report in finding.reports
        for one in report.requirements
    ]
    ran = {one.id for one in results if any(check.assertions for check in one.checks)}
    left_out = {one.id for one in results if one.reason == LEFT_OUT}
    return [
        f"requirement {one.id}: no check of it ran on any solution"
        for one in manifest.requirements
        if one.id not in ran | left_out
    ]
