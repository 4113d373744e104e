"""Grades of an audit that was interrupted, kept until it is whole."""

import hashlib
import shutil
from pathlib import Path

import graders
from graders.audit.subjects import Plan, Subject
from graders.model import Report
from graders.report.json_report import from_json, to_json
from graders.state import content_hash, state_folder

LEFT_OUT = {"__pycache__", "certificate.md", "certificate.json"}


class Kept:
    """The finished grades of one lab, engine and plan; any change of these begins anew."""

    def __init__(self, plan: Plan) -> None:
        engine = Path(graders.__file__).parent
        versions = (content_hash(plan.lab, LEFT_OUT), content_hash(engine, LEFT_OUT))
        key = hashlib.sha256(f"{versions} {plan.load} {plan.seed}".encode())
        self._parent = state_folder() / "audits" / plan.lab.resolve().name
        self.folder = self._parent / key.hexdigest()[:16]

    def report(self, subject: Subject, number: int) -> Report | None:
        """Return the report of a finished grade."""
        path = self._path(subject, number)
        return from_json(path.read_bytes()) if path.exists() else None

    def keep(self, subject: Subject, number: int, report: Report) -> None:
        """Keep a report, whole or not at all."""
        path = self._path(subject, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(to_json(report), encoding="utf-8")
        partial.rename(path)

    def forget(self) -> None:
        """Drop everything kept of this lab, also of former versions of it."""
        shutil.rmtree(self._parent, ignore_errors=True)

    def _path(self, subject: Subject, number: int) -> Path:
        return self.folder / f"{subject.role}-{subject.name}-{number}.json"
