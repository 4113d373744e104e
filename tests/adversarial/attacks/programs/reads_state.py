"""Reads another student's grade in LAB_HOME."""

from pathlib import Path

from kit import TARGETS, prove


def attack() -> None:
    for report in sorted(Path(TARGETS["home"]).glob("attempts/lab/of-*/report.json")):
        prove(report.read_text())
