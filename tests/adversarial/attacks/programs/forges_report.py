"""Overwrites the reports in LAB_HOME with a pass, and leaves one of its own."""

from pathlib import Path

from kit import TARGETS

PASS = '{"verdict": {"outcome": "passed", "earned": 3, "points": 3}}'


def attack() -> None:
    attempts = Path(TARGETS["home"], "attempts/lab")
    for report in attempts.glob("*/report.json"):
        report.write_text(PASS)
    (attempts / "forged").mkdir(parents=True)
    (attempts / "forged/report.json").write_text(PASS)
