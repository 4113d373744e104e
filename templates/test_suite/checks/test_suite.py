"""The submitted suite, run on one implementation after the other."""

import shutil
from pathlib import Path

import pytest

from graders.checks import expect, requirement

SPECIMENS = Path(__file__).with_name("specimens")
PYTEST = ["python", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
PASSED, FAILED, OUT_OF_TIME = 0, 1, None


def specimens(kind):
    files = sorted(SPECIMENS.glob(f"{kind}_*.py"))
    return pytest.mark.parametrize("specimen", files, ids=[file.stem for file in files])


@pytest.fixture
def run_suite(run_program, submission_dir, tmp_path):
    """Run the suite with `money.py` being the specimen."""

    def run(specimen, timeout_s):
        shutil.copytree(submission_dir, tmp_path, dirs_exist_ok=True)
        shutil.copy(specimen, tmp_path / "money.py")
        env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return run_program(PYTEST, cwd=tmp_path, env=env, timeout_s=timeout_s)

    return run


@requirement("accepts-right")
@specimens("right")
def test_the_suite_passes_on_a_right_implementation(run_suite, specimen):
    finished = run_suite(specimen, timeout_s=12)
    expect(finished.exit_code == PASSED, "the suite to pass", finished.output)


@requirement("kills-wrong")
@specimens("wrong")
def test_the_suite_fails_on_a_wrong_implementation(run_suite, specimen):
    finished = run_suite(specimen, timeout_s=4)
    caught = finished.exit_code in (FAILED, OUT_OF_TIME)
    expect(caught, f"a test that fails on {specimen.stem}", finished.output)
