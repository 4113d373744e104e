"""The certificate of a lab: what an audit found, as a table, as Markdown and as JSON."""

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from graders.audit.findings import LEAST_DETECTION, Finding
from graders.audit.margins import TIGHT, Margin
from graders.audit.recognition import Recognition
from graders.dictionary import common_signature, signature_of
from graders.model import Report

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Certificate:
    """What an audit found; sound when there is no problem, complete when nothing was left out."""

    lab: str
    title: str
    complete: bool
    findings: tuple[Finding, ...]
    margins: tuple[Margin, ...]
    recognition: Recognition
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
    for name in ("", "role", "name", "right", "caught by", "also failed"):
        table.add_column(name, justify="right" if name == "right" else "left")
    for one in certificate.findings:
        mark = Text("✓", "green") if one.is_sound else Text("✗", "bold red")
        table.add_row(
            mark,
            one.subject.role,
            one.subject.name,
            f"{one.right}/{one.runs}",
            ", ".join(one.subject.caught_by),
            ", ".join(one.also_failed) if one.subject.role == "mutant" else "",
        )
    return table


def to_markdown(certificate: Certificate) -> str:
    """Return `certificate.md`."""
    lines = [
        f"# Certificate: {certificate.title}",
        "",
        f"Made by `{certificate.command}`. *Right* counts the grades that said what they had to "
        "say, with the 90 % interval of that rate. A mutant must be caught by the requirement "
        f"named for it in at least {LEAST_DETECTION:.0%} of its grades, a solution must pass in "
        "all.",
        "",
        f"**{certificate.sentence}**",
        "",
        "| role | name | right | caught by | also failed |",
        "|---|---|---|---|---|",
        *(_finding_row(one) for one in certificate.findings),
        "",
        "*Also failed* were other requirements of the same stage or load profile, in so many "
        "grades.",
        "",
        "## Limits",
        "",
        "*Worst good* is the largest figure of any grade of a solution, *nearest bad* the smallest "
        "one of a mutant that missed the limit; of ratios the end of the interval that lies "
        f"nearer. Below a factor of {TIGHT:g} on either side (marked ⚠) noise may decide.",
        "",
        "| limit | allowed | worst good | room | nearest bad | room |",
        "|---|---|---|---|---|---|",
        *(_margin_row(one) for one in certificate.margins),
        "",
        "## Fault dictionary",
        "",
        certificate.recognition.sentence,
        "",
        "## Requirements",
        "",
        "Checks that ran, and expectations they reached, in one grade of the first solution.",
        "",
        "| requirement | checks | expectations |",
        "|---|---|---|",
        *(f"| `{name}` | {checks} | {count} |" for name, checks, count in _ledger(certificate)),
    ]
    if classes := _classes(certificate):
        lines += ["", "## Requests", "", "By class, in the same grade.", ""]
        lines += ["| load profile | class | requests |", "|---|---|---|"]
        lines += [f"| {profile} | {name} | {count} |" for profile, name, count in classes]
    if certificate.problems:
        lines += ["", "## Problems", "", *(f"- {problem}" for problem in certificate.problems)]
    return "\n".join(lines) + "\n"


def to_json(certificate: Certificate) -> str:
    """Return `certificate.json`: the same, and the signature of each mutant."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "lab": certificate.lab,
        "title": certificate.title,
        "command": certificate.command,
        "sentence": certificate.sentence,
        "subjects": [_subject(one) for one in certificate.findings],
        "limits": [dataclasses.asdict(one) for one in certificate.margins],
        "requirements": [
            {"id": name, "checks": checks, "expectations": count}
            for name, checks, count in _ledger(certificate)
        ],
        "requests": [
            {"profile": profile, "class": name, "requests": count}
            for profile, name, count in _classes(certificate)
        ],
        "recognition": dataclasses.asdict(certificate.recognition),
        "problems": list(certificate.problems),
    }
    return json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finding_row(one: Finding) -> str:
    names = ", ".join(f"`{name}`" for name in one.subject.caught_by)
    others = ""
    if one.subject.role == "mutant":
        others = ", ".join(f"`{name}` {count}" for name, count in one.also_failed.items())
    mark = "" if one.is_sound else " ✗"
    return f"| {one.subject.role} | `{one.subject.name}` | {one.rate}{mark} | {names} | {others} |"


def _margin_row(one: Margin) -> str:
    unit = {"max_ratio": " ×", "max_slope": " (slope)"}.get(one.bound, "")
    worst = max(one.worst_good, key=lambda name: one.worst_good[name])
    good = f"{_shown(one.worst_good[worst])}{unit} `{worst}`"
    bad = f"{_shown(one.nearest_bad[1])}{unit} `{one.nearest_bad[0]}`" if one.nearest_bad else "–"
    mark = " ⚠" if one.is_tight else ""
    cells = (
        *(f"{one.profile} {one.metric}", f"{one.limit:g}{unit}"),
        *(good, _factor(one.room_to_good)),
        *(bad, f"{_factor(one.room_to_bad)}{mark}"),
    )
    return f"| {' | '.join(cells)} |"


def _shown(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.3g}"


def _factor(value: float) -> str:
    return "–" if math.isnan(value) else f"{_shown(value)} ×"


def _ledger(certificate: Certificate) -> list[tuple[str, int, int]]:
    report = _solution_report(certificate)
    return [
        (one.id, len(one.checks), sum(check.assertions for check in one.checks))
        for one in (report.requirements if report else ())
    ]


def _classes(certificate: Certificate) -> list[tuple[str, str, int]]:
    report = _solution_report(certificate)
    return [
        (load.profile, name, count)
        for load in (report.loads if report else ())
        for name, count in sorted(load.submission.requests_by_class.items())
    ]


def _solution_report(certificate: Certificate) -> Report | None:
    solutions = [one for one in certificate.findings if one.subject.role == "solution"]
    return solutions[0].reports[0] if solutions else None


def _subject(one: Finding) -> dict[str, object]:
    low, high = one.rate.interval
    return {
        "role": one.subject.role,
        "name": one.subject.name,
        "caught_by": list(one.subject.caught_by),
        "right": one.right,
        "runs": one.runs,
        "interval": [low, high],
        "also_failed": one.also_failed if one.subject.role == "mutant" else {},
        "signature": signature(one.reports) if one.subject.role == "mutant" else {},
    }


def signature(reports: Iterable[Report]) -> dict[str, str]:
    """Return how a submission fails, as the fault dictionary keeps it."""
    return common_signature([signature_of(report.requirements) for report in reports])


def _finite(value: object) -> object:
    """Return the value with null where a number is not finite: JSON has no other word for it."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
