"""Grading the graders: how often each known-bad is caught, each known-good passes."""

import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from graders.errors import MachineError, UsageError
from graders.manifest import Manifest, load_manifest
from graders.model import Outcome, Report
from graders.processes import Supervised, run_folder
from graders.report.json_report import from_json

WORKERS = 2
GRADE_TIMEOUT_S = 900.0
SEED_LIMIT = 1_000_000


@dataclass(frozen=True)
class Plan:
    """What to audit: a lab, how often, with load or not, all or only some submissions."""

    lab: Path
    repeat: int
    load: bool
    only: tuple[str, ...]
    seed: int | None


@dataclass(frozen=True)
class Subject:
    """A submission whose verdict is known beforehand; a mutant is `caught_by` requirements."""

    name: str
    role: str
    source: Path
    caught_by: tuple[str, ...] = ()
    timed: bool = False


@dataclass(frozen=True)
class Finding:
    """How one subject fared: `right` of `runs` grades said what they had to say."""

    subject: Subject
    runs: int
    right: int
    wrong: tuple[str, ...]
    reports: tuple[Report, ...]


@dataclass(frozen=True)
class Certificate:
    """What an audit found; sound when there is no problem, complete when nothing was left out."""

    lab: str
    title: str
    complete: bool
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    command: str

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        mutants = [one for one in self.findings if one.subject.role == "mutant"]
        solutions = [one for one in self.findings if one.subject.role == "solution"]
        return (
            f"{self.lab}: {_whole(mutants)} of {len(mutants)} mutants caught by the requirement "
            f"named for them, {_whole(solutions)} of {len(solutions)} solutions passed, "
            f"every time of {self.findings[0].runs if self.findings else 0}."
        )


def _whole(findings: Iterable[Finding]) -> int:
    return sum(one.right == one.runs for one in findings)


def audit(plan: Plan, progress: Callable[[str], None]) -> Certificate:
    """Grade every subject `plan.repeat` times: timed ones alone, the others side by side."""
    manifest = load_manifest(plan.lab)
    subjects = _subjects(plan, manifest)
    jobs = [(subject, number) for number in range(plan.repeat) for subject in subjects]
    counter = Counter(len(jobs), progress)
    with run_folder() as folder:
        grader = Grader(plan, folder, counter)
        reports: dict[tuple[Subject, int], Report] = {}
        with ThreadPoolExecutor(WORKERS) as pool:
            together = [job for job in jobs if not job[0].timed]
            for job, report in zip(together, pool.map(grader.grade, together), strict=True):
                reports[job] = report
        for job in jobs:
            if job[0].timed:
                reports[job] = grader.grade(job)
    findings = tuple(
        _judge(subject, [reports[subject, number] for number in range(plan.repeat)])
        for subject in subjects
    )
    problems = [f"{one.subject.name}: {wrong}" for one in findings for wrong in one.wrong]
    problems += _unproven(manifest, findings) if not plan.only else []
    return Certificate(
        lab=plan.lab.name,
        title=manifest.lab.title,
        complete=plan.load and not plan.only,
        findings=findings,
        problems=tuple(problems),
        command=f"make audit LAB={plan.lab.name}"
        + (f' ARGS="--repeat {plan.repeat}"' if plan.repeat > 1 else ""),
    )


class Counter:
    """Says how many grades are done."""

    def __init__(self, total: int, progress: Callable[[str], None]) -> None:
        self._lock = threading.Lock()
        self._done, self._total, self._progress = 0, total, progress

    def finished(self, name: str) -> None:
        """Note one more."""
        with self._lock:
            self._done += 1
            self._progress(f"{self._done} of {self._total} grades done, last {name} …")


class Grader:
    """Grades one subject in a process of its own, so that grades share nothing."""

    def __init__(self, plan: Plan, folder: Path, counter: Counter) -> None:
        self.plan, self.folder, self.counter = plan, folder, counter

    def grade(self, job: tuple[Subject, int]) -> Report:
        """Run `lab grade` on a subject and read its report."""
        subject, number = job
        out = self.folder / f"{subject.role}-{subject.name}-{number}"
        with Supervised(
            self._command(subject, number, out),
            env=os.environ,
            cwd=Path.cwd(),
            log=out.with_suffix(".log"),
            stop_signal=signal.SIGINT,
            grace_s=15.0,
        ) as process:
            code = process.exit_code(GRADE_TIMEOUT_S)
        self.counter.finished(subject.name)
        try:
            return from_json((out / "report.json").read_bytes())
        except OSError:
            raise MachineError(
                f"Grading {subject.source} ended with exit code {code} and without a report.",
                f"Run it by itself: lab grade {self.plan.lab} --from {subject.source}",
                process.log_tail(),
            ) from None

    def _command(self, subject: Subject, number: int, out: Path) -> list[str]:
        plan = self.plan
        seed = secrets.randbelow(SEED_LIMIT) if plan.seed is None else plan.seed + number
        command = [sys.executable, "-m", "graders", "grade", str(plan.lab)]
        command += ["--from", str(subject.source), "--out", str(out), "--no-record"]
        command += ["--seed", str(seed)]
        for requirement in subject.caught_by:
            command += ["-r", requirement]
        if subject.caught_by:
            command.append("--all")
        if not plan.load:
            command.append("--no-load")
        return command


def _subjects(plan: Plan, manifest: Manifest) -> list[Subject]:
    timed = {
        threshold.requirement
        for profile in manifest.load.values()
        if profile.mode == "timed"
        for threshold in profile.thresholds
    }
    subjects = [Subject("starter", "starter", plan.lab / "starter")]
    for folder in sorted((plan.lab / "solutions").iterdir()):
        if folder.is_dir():
            subjects.append(
                Subject(folder.name, "solution", folder, timed=plan.load and bool(timed))
            )
    for mutant in manifest.mutants:
        names = tuple(mutant.caught_by)
        needs_load = bool(timed & set(names))
        if plan.load or not needs_load:
            source = plan.lab / "mutants" / mutant.name
            subjects.append(Subject(mutant.name, "mutant", source, names, needs_load))
    return _chosen(subjects, plan.only)


def _chosen(subjects: list[Subject], only: Sequence[str]) -> list[Subject]:
    unknown = set(only) - {subject.name for subject in subjects}
    if unknown:
        raise UsageError(
            f"There is no solution or mutant {', '.join(sorted(unknown))}.",
            f"Choose from: {', '.join(subject.name for subject in subjects)}.",
        )
    return [subject for subject in subjects if not only or subject.name in only]


def _judge(subject: Subject, reports: Sequence[Report]) -> Finding:
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
    return f"not caught {seed}: {what} {outcomes[missed[0]].reason[:200]}"


def _unproven(manifest: Manifest, findings: Sequence[Finding]) -> list[str]:
    """Return what the audit could not prove: requirements without a check that ran and expected."""
    ran = {
        check.requirement
        for finding in findings
        if finding.subject.role == "solution"
        for report in finding.reports
        for one in report.requirements
        for check in one.checks
        if check.assertions
    }
    return [
        f"requirement {one.id}: no check of it ran on any solution"
        for one in manifest.requirements
        if one.id not in ran
    ]


def to_table(certificate: Certificate) -> Table:
    """Return the certificate as a table for the terminal."""
    table = Table(box=None, header_style="dim", title=certificate.title, title_justify="left")
    for name in ("", "role", "name", "right", "caught by"):
        table.add_column(name, justify="right" if name == "right" else "left")
    for one in certificate.findings:
        sound = one.right == one.runs
        mark = Text("✓", "green") if sound else Text("✗", "bold red")
        right = f"{one.right}/{one.runs}"
        table.add_row(
            mark, one.subject.role, one.subject.name, right, ", ".join(one.subject.caught_by)
        )
    return table


def to_markdown(certificate: Certificate) -> str:
    """Return `certificate.md`."""
    runs = certificate.findings[0].runs
    lines = [
        f"# Certificate: {certificate.title}",
        "",
        f"Made by `{certificate.command}`. Times each row was graded: {runs}; "
        "*right* counts the grades that said what they had to say.",
        "",
        f"**{certificate.sentence}**",
        "",
        "| role | name | right | caught by |",
        "|---|---|---|---|",
    ]
    for one in certificate.findings:
        names = ", ".join(f"`{name}`" for name in one.subject.caught_by)
        lines.append(
            f"| {one.subject.role} | `{one.subject.name}` | {one.right}/{one.runs} | {names} |"
        )
    lines += [
        "",
        "## Requirements",
        "",
        "Checks that ran, and expectations they reached, in one grade of the first solution.",
        "",
    ]
    lines += ["| requirement | checks | expectations |", "|---|---|---|"]
    lines += [
        _ledger_row(one.id, certificate) for one in _solution_report(certificate).requirements
    ]
    lines += [
        "",
        "## Margins",
        "",
        "What the solutions showed beside each limit (largest of all runs).",
        "",
    ]
    lines += [
        "| limit | solution | measured | allowed |",
        "|---|---|---|---|",
        *_margins(certificate),
    ]
    if certificate.problems:
        lines += ["", "## Problems", "", *(f"- {problem}" for problem in certificate.problems)]
    return "\n".join(lines) + "\n"


def _solution_report(certificate: Certificate) -> Report:
    return next(one for one in certificate.findings if one.subject.role == "solution").reports[0]


def _ledger_row(requirement: str, certificate: Certificate) -> str:
    report = _solution_report(certificate)
    checks = next(one for one in report.requirements if one.id == requirement).checks
    return f"| `{requirement}` | {len(checks)} | {sum(one.assertions for one in checks)} |"


def _margins(certificate: Certificate) -> list[str]:
    rows = []
    for one in certificate.findings:
        if one.subject.role != "solution":
            continue
        for index, threshold in enumerate(one.reports[0].thresholds):
            same = [
                report.thresholds[index] for report in one.reports if len(report.thresholds) > index
            ]
            if threshold.max_ratio is not None:
                worst = max(each.ratio.high for each in same if each.ratio)
                measured, allowed = f"{worst:.2f} × (upper end)", f"{threshold.max_ratio:g} ×"
            else:
                worst = max(each.measured or 0.0 for each in same)
                measured, allowed = f"{worst:.3g}", f"{threshold.max:g}"
            rows.append(
                f"| {threshold.profile} {threshold.metric} | `{one.subject.name}` "
                f"| {measured} | {allowed} |"
            )
    return rows
