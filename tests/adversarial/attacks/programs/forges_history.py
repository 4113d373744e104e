"""Turns every attempt in the history into a pass."""

import sqlite3
from pathlib import Path

from kit import TARGETS


def attack() -> None:
    file = Path(TARGETS["home"], "history.sqlite")
    if not file.exists():
        raise FileNotFoundError(file)
    with sqlite3.connect(file) as database:
        database.execute(
            "INSERT INTO attempts SELECT 999999, 'forged', lab, submission, "
            "content_hash, started_at, duration_s, seed, 'passed', 3, 3, 1, "
            "report_folder FROM attempts LIMIT 1"
        )
