"""Running an audit: timed grades alone, the others side by side."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from graders.audit.certificate import Certificate
from graders.audit.findings import judge, unproven
from graders.audit.grader import Counter, Grader
from graders.audit.subjects import Plan, Subject, subjects_of
from graders.manifest import load_manifest
from graders.model import Report
from graders.processes import run_folder

WORKERS = 2


def audit(plan: Plan, progress: Callable[[str], None]) -> Certificate:
    """Grade every subject `plan.repeat` times: timed ones alone, the others side by side."""
    manifest = load_manifest(plan.lab)
    subjects = subjects_of(plan, manifest)
    jobs = [(subject, number) for number in range(plan.repeat) for subject in subjects]
    counter = Counter(len(jobs), progress)
    with run_folder() as folder:
        grader = Grader(plan, folder, counter)
        reports: dict[tuple[Subject, int], Report] = {}
        with ThreadPoolExecutor(WORKERS) as pool, grader:
            together = [job for job in jobs if not job[0].timed]
            for job, report in zip(together, pool.map(grader.grade, together), strict=True):
                reports[job] = report
            for job in jobs:
                if job[0].timed:
                    reports[job] = grader.grade(job)
    findings = tuple(
        judge(subject, [reports[subject, number] for number in range(plan.repeat)])
        for subject in subjects
    )
    problems = [f"{one.subject.name}: {wrong}" for one in findings for wrong in one.wrong]
    problems += unproven(manifest, findings) if not plan.only else []
    return Certificate(
        lab=plan.lab.name,
        title=manifest.lab.title,
        complete=plan.load and not plan.only,
        findings=findings,
        problems=tuple(problems),
        command=f"make audit LAB={plan.lab.name}"
        + (f' ARGS="--repeat {plan.repeat}"' if plan.repeat > 1 else ""),
    )
