"""Labs of every kind are graded by the same engine, and their graders by the audit."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

KINDS = ("service", "several_services", "sql_files", "test_suite", "document")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", KINDS)
def test_a_lab_of_this_kind_is_graded_and_certified(shared_kit: Any, name: str) -> None:
    done = shared_kit.lab("audit", name)
    assert done.code == 0, done.output
    mutants = [one.name for one in (shared_kit.folder / "labs" / name / "mutants").iterdir()]
    assert f"{len(mutants)} of {len(mutants)} mutants caught" in done.output
    assert "1 of 1 solutions passed" in done.output
    certificate = (shared_kit.folder / "labs" / name / "certificate.md").read_text()
    assert all(f"`{mutant}` | 1/1" in certificate for mutant in mutants)


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


def test_a_check_that_asks_for_an_app_in_a_lab_of_files_is_the_labs_fault(
    kit: Any, append_check: Callable[..., None]
) -> None:
    append_check(
        "document",
        "status",
        """
        def test_an_app(app):
            assert app
        """,
    )
    done = kit.grade("document", "solutions/complete", "-r", "status")
    assert done.code == 2
    assert done.requirement("status")["outcome"] == "error"
    assert "set of files" in done.feedback("status")["got"]


def test_a_service_the_lab_does_not_name_is_the_labs_fault(
    kit: Any, append_check: Callable[..., None]
) -> None:
    append_check(
        "sql_files",
        "migrates",
        """
        def test_a_service_nobody_named(provision):
            with provision("redis"):
                assert True
        """,
    )
    done = kit.grade("sql_files", "solutions/index", "-r", "migrates")
    assert done.code == 2
    assert "no service 'redis'" in done.feedback("migrates")["got"]


def test_a_file_the_lab_asks_for_is_missing_by_the_learners_fault(kit: Any) -> None:
    solution = kit.folder / "labs/sql_files/solutions/index"
    shutil.rmtree(solution / "migrations")
    done = kit.grade("sql_files", "solutions/index")
    assert done.code == 1
    assert done.report["problem"]["culprit"] == "submission"
    assert "migrations/*.sql" in done.output
