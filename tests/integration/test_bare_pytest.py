"""Checks run by pytest itself, without the `lab` command."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
SERVICE, DOCUMENT = Path("tests/labs/service"), Path("templates/document")


def run_pytest(kit: Any, lab: Path, source: Path | str, *options: str) -> tuple[int, str]:
    """Run a lab's checks from the repository's own folder."""
    command = [sys.executable, "-m", "pytest", str(lab / "checks")]
    command += ["--submission", str(source), "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=kit.environment(LAB_HOME=str(kit.folder / ".lab"), PATH=os.environ["PATH"]),
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "name", "code", "summary"),
    [
        ("solutions/cached", "reads_back", 0, "1 passed"),
        ("starter", "reads_back", 1, "1 failed"),
    ],
)
def test_one_check_passes_or_fails_by_its_name(
    kit: Any, source: str, name: str, code: int, summary: str
) -> None:
    ended, output = run_pytest(kit, SERVICE, SERVICE / source, "-k", name)
    assert (ended, summary in output) == (code, True), output


def test_checks_end_as_in_a_grade(kit: Any, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    run_pytest(kit, DOCUMENT, DOCUMENT / "starter", f"--junitxml={junit}")
    cases = ElementTree.parse(junit).iter("testcase")
    bare = {case.get("name"): "failed" if len(case) else "passed" for case in cases}
    done = kit.grade("document", "starter", "--all")
    checks = [check for one in done.report["requirements"] for check in one["checks"]]
    assert bare == {check["check"].split("::")[1]: check["outcome"] for check in checks}
    assert set(bare.values()) == {"passed", "failed"}


def test_checks_import_modules_beside_them_in_a_grade(
    kit: Any, append_check: Callable[..., None]
) -> None:
    (kit.folder / "labs" / "document" / "checks" / "words.py").write_text("MEANT = 'done'\n")
    check = "def test_words():\n    from .words import MEANT\n    assert MEANT == 'done'"
    append_check("document", "status", check)
    done = kit.grade("document", "solutions/complete", "-r", "status")
    assert done.code == 0, done.output


def test_checks_import_modules_beside_them_without_a_grade(kit: Any) -> None:
    lab = Path("labs/caching")
    code, output = run_pytest(kit, lab, lab / "starter", "--collect-only", "-q")
    assert (code, "test_right.py" in output) == (0, True), output


def test_a_submission_that_is_not_there_is_named(kit: Any) -> None:
    code, output = run_pytest(kit, DOCUMENT, "nowhere")
    assert (code, "nowhere is no folder" in output) == (pytest.ExitCode.USAGE_ERROR, True), output
