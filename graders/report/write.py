"""Writing a report to its folder, in every format."""

import os
from pathlib import Path

from graders.model import Report
from graders.report.exchange import to_ctrf, to_gradescope, to_junit, to_step_summary
from graders.report.html import to_html
from graders.report.json_report import to_json
from graders.report.sarif import to_sarif

FORMATS = {
    "report.json": to_json,
    "report.html": to_html,
    "junit.xml": to_junit,
    "results.json": to_gradescope,
    "ctrf.json": to_ctrf,
    "findings.sarif": to_sarif,
    "summary.md": to_step_summary,
}


def write_all(report: Report, folder: Path) -> None:
    """Write every format; on GitHub Actions, add the summary to the job's page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, render in FORMATS.items():
        partial = folder / f".{name}.partial"
        partial.write_text(render(report), encoding="utf-8")
        partial.replace(folder / name)
    if step_summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(step_summary).open("a", encoding="utf-8") as file:
            file.write(to_step_summary(report))
