"""The report in formats other systems take: JUnit XML, Gradescope, GitHub summary, CTRF."""

import datetime
import html
import json
import re
from typing import Any
from xml.etree import ElementTree

from graders.model import CheckResult, Outcome, Report, RequirementResult
from graders.report.words import MARKS, explain

NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CTRF_STATUS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.INCONCLUSIVE: "other",
    Outcome.ERROR: "other",
}


def to_junit(report: Report) -> str:
    """Return JUnit XML: a suite per stage, a case per check; what is undecided is an `<error>`."""
    root = ElementTree.Element("testsuites", name=report.lab, time=f"{report.duration_s:.3f}")
    for stage in dict.fromkeys(one.stage for one in report.requirements):
        ours = [one for one in report.requirements if one.stage == stage]
        suite = ElementTree.SubElement(root, "testsuite", name=stage)
        for requirement in ours:
            _junit_cases(suite, requirement)
        for kind in ("failure", "error", "skipped"):
            suite.set(
                {"failure": "failures", "error": "errors"}.get(kind, kind), _count(suite, kind)
            )
        suite.set("tests", str(len(suite)))
    if report.problem:
        suite = ElementTree.SubElement(root, "testsuite", name="grade", tests="1", errors="1")
        case = ElementTree.SubElement(suite, "testcase", name="grade", classname=report.lab)
        text = _clean("\n".join([report.problem.problem, *report.problem.log]))
        ElementTree.SubElement(case, "error", message=_clean(report.problem.problem)).text = text
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _junit_cases(suite: ElementTree.Element, requirement: RequirementResult) -> None:
    if not requirement.checks:
        case = ElementTree.SubElement(suite, "testcase", name=requirement.id, classname="left out")
        ElementTree.SubElement(case, "skipped", message=requirement.reason)
    for check in requirement.checks:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            name=_clean(check.check.rsplit("::", 1)[-1]),
            classname=requirement.id,
            time=f"{check.duration_s:.3f}",
        )
        if check.outcome is Outcome.PASSED:
            continue
        tag = {Outcome.FAILED: "failure", Outcome.SKIPPED: "skipped"}.get(check.outcome, "error")
        message = _clean(explain(check.feedback) or check.outcome.value)
        part = ElementTree.SubElement(case, tag, message=message.splitlines()[0])
        part.text = message


def _count(suite: ElementTree.Element, kind: str) -> str:
    return str(len(suite.findall(f"testcase/{kind}")))


def _clean(text: str) -> str:
    return NOT_IN_XML.sub("�", text)


def to_gradescope(report: Report) -> str:
    """Return Gradescope's `results.json`: a test per requirement with its points."""
    tests = [
        {
            "name": f"{one.id}: {one.title}",
            "number": f"{number}",
            "score": one.earned,
            "max_score": one.points,
            "status": "passed" if one.outcome is Outcome.PASSED else "failed",
            "output": _requirement_text(one),
            "tags": [one.stage],
            "visibility": "visible",
        }
        for number, one in enumerate(report.requirements, start=1)
    ]
    document: dict[str, Any] = {
        "score": report.verdict.earned,
        "execution_time": round(report.duration_s),
        "output": _headline(report),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    return json.dumps(document, indent=2) + "\n"


def to_ctrf(report: Report) -> str:
    """Return a report in the Common Test Report Format."""
    started = datetime.datetime.fromisoformat(report.started_at).timestamp() * 1000
    checks = [check for one in report.requirements for check in one.checks]
    counts = dict.fromkeys(("passed", "failed", "skipped", "pending", "other"), 0)
    for check in checks:
        counts[CTRF_STATUS[check.outcome]] += 1
    results = {
        "tool": {"name": "system-design-lab"},
        "summary": {
            "tests": len(checks),
            **counts,
            "start": round(started),
            "stop": round(started + report.duration_s * 1000),
        },
        "tests": [_ctrf_test(check) for check in checks],
    }
    return (
        json.dumps({"reportFormat": "CTRF", "specVersion": "0.0.0", "results": results}, indent=2)
        + "\n"
    )


def _ctrf_test(check: CheckResult) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": check.check.rsplit("::", 1)[-1],
        "status": CTRF_STATUS[check.outcome],
        "duration": round(check.duration_s * 1000),
        "suite": [check.stage, check.requirement],
        "rawStatus": check.outcome.value,
    }
    if check.feedback:
        test["message"] = explain(check.feedback)
    return test


def to_step_summary(report: Report) -> str:
    """Return Markdown for a GitHub Actions job summary."""
    lines = [f"## {report.title}: {report.verdict.outcome.value}", "", _headline(report), ""]
    lines += ["| | requirement | points | |", "|---|---|---|---|"]
    for one in report.requirements:
        lines.append(
            f"| {MARKS[one.outcome]} | `{one.id}` {_in_markdown(one.title)} "
            f"| {one.earned}/{one.points} | {_in_markdown(one.reason[:200])} |"
        )
    if report.problem:
        problem, next_step = report.problem.problem, report.problem.next_step
        lines += ["", f"**{_in_markdown(problem)}** {_in_markdown(next_step)}"]
    return "\n".join(lines) + "\n"


def _in_markdown(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def _headline(report: Report) -> str:
    verdict = report.verdict
    return f"{verdict.earned} of {verdict.points} points. {verdict.sentence} Seed {report.seed}."


def _requirement_text(requirement: RequirementResult) -> str:
    parts = [explain(check.feedback) for check in requirement.checks if check.feedback]
    return "\n\n".join(parts) or requirement.reason or requirement.outcome.value
