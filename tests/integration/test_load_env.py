"""What an app under load is given besides the manifest's variables."""

from typing import Any

import pytest

LOAD_ENV = """

@pytest.fixture(scope="session")
def load_env():
    return lambda: {"LOADED": "yes"}
"""


@pytest.mark.alone
@pytest.mark.parametrize("requirement", ["cheap-reads", "fast-reads"])
def test_both_sides_of_a_load_run_get_the_variables_of_load_env(kit: Any, requirement: str) -> None:
    lab = kit.folder / "labs/service"
    conftest = lab / "checks/conftest.py"
    conftest.write_text(conftest.read_text() + LOAD_ENV)
    app = lab / "solutions/cached/app.py"
    refusing = 'if "LOADED" not in os.environ:\n            return self.answer(500)\n        text ='
    app.write_text(app.read_text().replace("text =", refusing, 1))
    done = kit.grade("service", "solutions/cached", "-r", requirement)
    assert done.code == 0, done.output
