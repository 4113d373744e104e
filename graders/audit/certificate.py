"""The certificate of a lab: what an audit found, as a table and as Markdown."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from graders.audit.findings import Finding
from graders.model import Report


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
                worst = max(each.ratio.high if each.ratio else math.inf for each in same)
                measured, allowed = f"{worst:.2f} × (upper end)", f"{threshold.max_ratio:g} ×"
            else:
                worst = max(math.inf if each.measured is None else each.measured for each in same)
                measured, allowed = f"{worst:.3g}", f"{threshold.max:g}"
            rows.append(
                f"| {threshold.profile} {threshold.metric} | `{one.subject.name}` "
                f"| {measured} | {allowed} |"
            )
    return rows
