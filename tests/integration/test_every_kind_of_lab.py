"""Labs of every kind are graded by the same engine, and their graders by the audit."""

from collections.abc import Callable
from typing import Any

import pytest

TEMPLATES = ("service", "several_services", "sql_files", "test_suite", "document")


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_fresh_lab_of_every_template_is_sound(shared_kit: Any, template: str) -> None:
    made = shared_kit.lab("new", f"my_{template}", "--from", template)
    assert made.code == 0, made.output
    assert f"next: lab lint my_{template}" in made.output
    linted = shared_kit.lab("lint", f"my_{template}")
    assert (linted.code, linted.output) == (0, f"my_{template}: no problems\n")
    if template != "service":  # that one takes a minute, with its load: CI audits it by itself
        audited = shared_kit.lab("audit", f"my_{template}")
        assert audited.code == 0, audited.output


def test_the_audit_finds_a_grader_that_sleeps(kit: Any) -> None:
    checks = kit.folder / "labs/document/checks/test_record.py"
    checks.write_text(checks.read_text().replace("low <= float(finished.output) <= high", "True"))
    done = kit.lab("audit", "document", "--only", "made_up", "--only", "complete")
    assert done.code == 1
    assert "made_up: not caught" in done.output
    assert "evidence passed" in done.output


def test_the_audit_finds_a_good_solution_that_is_failed(kit: Any) -> None:
    checks = kit.folder / "labs/document/checks/test_record.py"
    checks.write_text(checks.read_text().replace("Status: accepted", "Status: Accepted"))
    done = kit.lab("audit", "document", "--only", "complete")
    assert done.code == 1
    assert "a good solution did not pass" in done.output
    assert "status failed" in done.output


def test_what_a_lab_of_files_without_services_cannot_give_is_the_labs_fault(
    kit: Any, append_check: Callable[..., None]
) -> None:
    append_check("document", "status", "def test_an_app(app):\n    assert app\n")
    append_check(
        "document", "title", "def test_a_service(provision):\n    assert provision('redis')\n"
    )
    done = kit.grade("document", "solutions/complete", "-r", "status", "-r", "title")
    assert done.code == 2
    assert "set of files" in done.feedback("status")["got"]
    assert "no service 'redis'" in done.feedback("title")["got"]


def test_a_file_the_lab_asks_for_is_missing_by_the_learners_fault(kit: Any) -> None:
    (kit.folder / "labs/document/starter/evidence.toml").unlink()
    done = kit.grade("document", "starter")
    assert done.code == 1
    assert done.report["problem"]["culprit"] == "submission"
    assert "evidence.toml" in done.output
