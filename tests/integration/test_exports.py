"""What `lab export` writes works where it is meant to be used."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
HIDDEN = """
from graders.checks import expect, requirement


@requirement("status")
def test_the_record_is_dated(submission_dir):
    expect("2024" in (submission_dir / "decision.md").read_text(), "a date", "none")
"""


def test_students_get_nothing_that_gives_the_solution_away(kit: Any, tmp_path: Path) -> None:
    hidden = kit.folder / "labs/document/checks/hidden/test_more.py"
    hidden.parent.mkdir()
    hidden.write_text(HIDDEN)
    done = kit.lab("export", "document", "--students", tmp_path / "course")
    assert done.code == 0, done.output
    copy = tmp_path / "course/document"
    files = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert {"lab.toml", "README.md", "starter/decision.md", "checks/test_record.py"} <= files
    assert not [name for name in files if name.startswith(("solutions", "mutants", "certificate"))]
    assert not [name for name in files if "hidden" in name]
    manifest = tomllib.loads((copy / "lab.toml").read_text())
    assert ("mutants" in manifest, "reference" in manifest["lab"]) == (False, False)
    solution = kit.folder / "labs/document/solutions/complete"
    graded = kit.lab("grade", copy, "--from", solution)
    assert (graded.code, "PASSED" in graded.output) == (0, True), graded.output


def test_hidden_checks_are_graded_where_they_are(kit: Any) -> None:
    hidden = kit.folder / "labs/document/checks/hidden/test_more.py"
    hidden.parent.mkdir()
    hidden.write_text(HIDDEN)
    done = kit.grade("document", "solutions/complete", "--all")
    assert done.code == 1
    assert done.requirement("status")["outcome"] == "failed"


@pytest.mark.alone
def test_a_copy_for_students_leaves_out_what_needs_the_reference(kit: Any, tmp_path: Path) -> None:
    assert kit.lab("export", "loaded", "--students", tmp_path).code == 0
    solution = kit.folder / "labs/loaded/solutions/threads"
    done = kit.lab("grade", tmp_path / "loaded", "--from", solution)
    assert done.code == 0, done.output
    assert "1 of 1 requirements passed, 4 left out" in done.output


def test_the_gradescope_zip_grades_in_a_clean_folder(kit: Any, tmp_path: Path) -> None:
    archive, autograder = tmp_path / "autograder.zip", tmp_path / "autograder"
    assert kit.lab("export", "document", "--gradescope", archive).code == 0
    source = autograder / "source"
    with zipfile.ZipFile(archive) as contents:
        contents.extractall(source)
    for program in ("setup.sh", "run_autograder"):
        assert subprocess.run(["bash", "-n", source / program]).returncode == 0
        (source / program).chmod(0o755)
    _environment_of(source / "kit")
    shutil.copytree(kit.folder / "labs/document/starter", autograder / "submission")
    done = subprocess.run(
        [source / "run_autograder"],
        env=kit.environment(AUTOGRADER=str(autograder), PYTHONPATH=str(source / "kit")),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((autograder / "results/results.json").read_text())
    assert {test["name"].split(":")[0] for test in results["tests"]} >= {"title", "status"}
    assert 0 <= sum(test["score"] for test in results["tests"]) < 100


def _environment_of(kit: Path) -> None:
    """Stand in for setup.sh, which takes a minute: the environment of these tests."""
    program = kit / ".venv/bin/lab"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m graders "$@"\n')
    program.chmod(0o755)


def test_a_grader_that_cannot_run_still_leaves_a_result(kit: Any, tmp_path: Path) -> None:
    archive, source = tmp_path / "autograder.zip", tmp_path / "source"
    kit.lab("export", "document", "--gradescope", archive)
    with zipfile.ZipFile(archive) as contents:
        contents.extractall(source)
    env = {**os.environ, "AUTOGRADER": str(tmp_path)}
    subprocess.run(["bash", source / "run_autograder"], env=env, capture_output=True)
    results = json.loads((tmp_path / "results/results.json").read_text())
    assert results["score"] == 0


def test_the_workflow_names_the_kit_and_the_lab(kit: Any, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    done = kit.lab("export", "document", "--github", tmp_path, "--kit", "course/lab-kit")
    assert done.code == 0, done.output
    text = (tmp_path / ".github/workflows/grade-document.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["grade"]["steps"]
    assert any(step.get("with", {}).get("repository") == "course/lab-kit" for step in steps)
    [grade] = [step["run"] for step in steps if "run" in step]
    assert grade.startswith("make grade-document FROM=../submission/")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Say for whom"),
        (["--github", "x", "--kit", "nowhere"], "Name the kit's as OWNER/NAME"),
        (["--gradescope", "requirements.lock"], "exists already"),
    ],
)
def test_a_wrong_order_says_what_to_do(kit: Any, options: list[str], words: str) -> None:
    done = kit.lab("export", "document", *options)
    assert done.code == 2
    assert words in done.output
