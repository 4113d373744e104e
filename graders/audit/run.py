"""Running an audit: timed grades alone, the others side by side."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from graders.audit.ahead import Ahead, left_s
from graders.audit.certificate import Certificate
from graders.audit.findings import judge, unproven
from graders.audit.grader import Grader
from graders.audit.margins import margins, never_missed
from graders.audit.recognition import recognise
from graders.audit.state import Kept
from graders.audit.subjects import Plan, Subject, subjects_of
from graders.manifest import load_manifest
from graders.model import Report
from graders.processes import run_folder

Job = tuple[Subject, int]
Progress = Callable[[Ahead], None]


def audit(plan: Plan, progress: Progress) -> Certificate:
    """Grade every subject `plan.repeat` times: timed ones alone, the others side by side.

    `progress` is told how far it is, at first and after each grade.
    """
    manifest = load_manifest(plan.lab)
    subjects = subjects_of(plan, manifest)
    jobs = [(subject, number) for number in range(plan.repeat) for subject in subjects]
    kept = Kept(plan)
    if plan.fresh:
        kept.forget()
    reports = _reports(plan, jobs, kept, progress)
    kept.forget()
    findings = tuple(
        judge(subject, [reports[subject, number] for number in range(plan.repeat)])
        for subject in subjects
    )
    complete = plan.load and not plan.only
    problems = [
        f"{one.subject.name}: {wrong}"
        for one in findings
        if not one.is_sound
        for wrong in one.wrong
    ]
    problems += unproven(manifest, findings) if not plan.only else []
    problems += never_missed(manifest, findings) if complete else []
    return Certificate(
        lab=plan.lab.resolve().name,
        title=manifest.lab.title,
        complete=complete,
        findings=findings,
        margins=tuple(margins(manifest, findings)),
        recognition=recognise(manifest, findings),
        problems=tuple(problems),
        command=f"make audit LAB={plan.lab.resolve().name}"
        + (f' ARGS="--repeat {plan.repeat}"' if plan.repeat > 1 else ""),
    )


def _reports(plan: Plan, jobs: list[Job], kept: Kept, progress: Progress) -> dict[Job, Report]:
    """Return a report for every job: kept ones of an audit that was interrupted, and new ones."""
    known = ((job, kept.report(*job)) for job in jobs)
    reports: dict[Job, Report] = {job: report for job, report in known if report}
    missing = [job for job in jobs if job not in reports]
    progress(_ahead(plan, jobs, reports, ""))

    def finished(job: Job, report: Report) -> None:
        kept.keep(*job, report)
        reports[job] = report
        progress(_ahead(plan, jobs, reports, job[0].name))

    with run_folder() as folder:
        grader = Grader(plan, folder, finished)
        with ThreadPoolExecutor(plan.workers) as pool, grader:
            list(pool.map(grader.grade, [job for job in missing if not job[0].timed]))
            for job in missing:
                if job[0].timed:
                    grader.grade(job)
    return reports


def _ahead(plan: Plan, jobs: list[Job], reports: Mapping[Job, Report], last: str) -> Ahead:
    took_s: dict[Subject, list[float]] = {}
    for (subject, _), report in reports.items():
        took_s.setdefault(subject, []).append(report.duration_s)
    missing = [subject for subject, number in jobs if (subject, number) not in reports]
    return Ahead(len(reports), len(jobs), last, left_s(missing, took_s, plan.workers))
