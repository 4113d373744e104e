"""A whole lab graded on services of all three kinds: the same verdicts, the same mistakes found.

It takes a quarter of an hour, so it must be asked for: make test ARGS="-m whole_lab".
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graders.manifest import load_manifest
from tests.integration.conftest import NOT_PASSED_ON
from tests.integration.docker.conftest import ROOT

LAB = ROOT / "labs/url_shortener"
SOLUTIONS = [f"solutions/{folder.name}" for folder in sorted((LAB / "solutions").iterdir())]
MANIFEST = load_manifest(LAB)
STAGES = {one.id: one.stage for one in MANIFEST.requirements}
MUTANTS = [  # whose mistake shows without load, with the requirement that names it
    pytest.param(mutant.name, mutant.caught_by[0], id=mutant.name)
    for mutant in MANIFEST.mutants
    if STAGES[mutant.caught_by[0]] != "load"
]
MODES = ("embedded", "external", "docker")
Judgement = tuple[str, set[str]]
pytestmark = [pytest.mark.whole_lab, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture
def judge(
    kept: dict[str, str], docker_env: dict[str, str], home: Path, tmp_path: Path
) -> Callable[..., Judgement]:
    """Grade a submission of the lab on one kind of services: verdict and failed requirements."""

    def grade(source: str, mode: str, *options: str) -> Judgement:
        out = tmp_path / mode
        command = [sys.executable, "-m", "graders", "grade", str(LAB), "--from", str(LAB / source)]
        command += ["--no-load", "--seed", "7", "--services", mode, "--out", str(out)]
        command += options
        kept_env = {k: one for k, one in os.environ.items() if not k.startswith(NOT_PASSED_ON)}
        env = {**kept_env, **docker_env, "LAB_HOME": str(home)}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
        print(f"{mode}:\n{done.stdout}{done.stderr}")  # shown if the test fails: what was found
        assert done.returncode in (0, 1)
        report: dict[str, Any] = json.loads((out / "report.json").read_bytes())
        failed = {one["id"] for one in report["requirements"] if one["outcome"] == "failed"}
        return report["verdict"]["outcome"], failed

    return grade


@pytest.mark.parametrize("source", SOLUTIONS)
def test_a_solution_passes_on_services_of_every_kind(
    judge: Callable[..., Judgement], source: str
) -> None:
    found = {mode: judge(source, mode) for mode in MODES}
    assert found == {mode: ("passed", set()) for mode in MODES}


@pytest.mark.parametrize(("mutant", "requirement"), MUTANTS)
def test_a_mutant_fails_alike_on_services_of_every_kind(
    judge: Callable[..., Judgement], mutant: str, requirement: str
) -> None:
    # By its own requirement alone: what else a mistake breaks may depend on how busy we are.
    found = {mode: judge(f"mutants/{mutant}", mode, "--requirement", requirement) for mode in MODES}
    assert found == {mode: ("failed", {requirement}) for mode in MODES}
