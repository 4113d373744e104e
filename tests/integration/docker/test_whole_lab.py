"""A whole lab graded on services of all three kinds: the same verdicts, the same mistakes found.

It takes minutes, so it must be asked for: make test ARGS="-m whole_lab".
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import NOT_PASSED_ON
from tests.integration.docker.conftest import ROOT

LAB = ROOT / "labs/url_shortener"
SOLUTIONS = [f"solutions/{folder.name}" for folder in sorted((LAB / "solutions").iterdir())]
MUTANTS = {  # with the stage that must find them, and the requirement
    "normalises_url": ("basics", "creates-and-redirects"),
    "case_insensitive_codes": ("basics", "case-sensitive-codes"),
    "md5_upsert": ("collisions", "survives-collisions"),
    "counter_base62": ("collisions", "unguessable-codes"),
    "check_then_insert": ("concurrency", "alias-race"),
    "read_modify_write_clicks": ("concurrency", "clicks-are-exact"),
    "redis_required": ("faults", "redis-down"),
    "cache_never_invalidated": ("faults", "delete-beats-cache"),
}
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


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_fails_alike_on_services_of_every_kind(
    judge: Callable[..., Judgement], mutant: str
) -> None:
    stage, requirement = MUTANTS[mutant]
    found = {mode: judge(f"mutants/{mutant}", mode, "--stage", stage) for mode in MODES}
    assert found["embedded"][0] == "failed"
    assert requirement in found["embedded"][1]
    assert found["external"] == found["embedded"]
    assert found["docker"] == found["embedded"]
