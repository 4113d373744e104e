"""A lab that is broken is never passed, and never the learner's fault."""

from collections.abc import Callable
from typing import Any

import pytest

SOLUTION = "solutions/cached"
CHECKS = "labs/service/checks/test_basics.py"

MISCOLLECTED = {
    "a requirement that lab.toml lacks": (
        '@requirement("keep-notes")\ndef test_x(): assert True',
        "did you mean 'keeps-notes'",
    ),
    "two markers": (
        '@requirement("unknown-404")\n@requirement("keeps-notes")\ndef test_x(): assert True',
        "test_x has 2 @requirement markers",
    ),
    "no marker": ("def test_x(): assert True", "test_x has 0 @requirement markers"),
    "a syntax error": ("def test_x(: assert True", "SyntaxError"),
    "an import of what is not there": ("import no_such_module", "no_such_module"),
}

UNDECIDED = {
    "asserts nothing": ("def test_x(app): app.get('/healthz')", "error", "without any"),
    "breaks": ("def test_x(app): {}['answer']; assert True", "error", "KeyError: 'answer'"),
    "breaks after it expected something": (
        "def test_x(app):\n    assert app\n    {}['answer']",
        "error",
        "KeyError: 'answer'",
    ),
    "has a fixture that fails": (
        "def test_x(broken): assert True",
        "error",
        "RuntimeError: no such thing",
    ),
    "has a fixture that fails afterwards": (
        "def test_x(breaks_later): assert True",
        "error",
        "RuntimeError: too late",
    ),
    "asks for a fixture nobody wrote": ("def test_x(nothing): assert True", "error", "nothing"),
    "sleeps": (
        "@pytest.mark.timeout(1)\ndef test_x():\n    import time\n    time.sleep(60)",
        "error",
        "Timeout",
    ),
    "skips itself": ("def test_x(): pytest.skip('not today')", "inconclusive", "not today"),
    "is in doubt": ("def test_x(): raise Inconclusive('noise')", "inconclusive", "noise"),
    "expects to fail": (
        "@pytest.mark.xfail\ndef test_x(): assert 1 == 2",
        "failed",
        "1 == 2",
    ),
}
FIXTURES = """
from graders.checks import Inconclusive


@pytest.fixture
def broken():
    raise RuntimeError("no such thing")


@pytest.fixture
def breaks_later():
    yield
    raise RuntimeError("too late")
"""
SLOW = """
@requirement("slow-answer")
@pytest.mark.timeout(3)
def test_x(app):
    with app.replicas[0].pause():
        app.get("/healthz", timeout_s=60)
"""


@pytest.fixture
def append_to(kit: Any) -> Callable[[str, str], None]:
    def append(path: str, text: str) -> None:
        with (kit.folder / path).open("a") as file:
            file.write(f"\n\n{text}\n")

    return append


@pytest.mark.parametrize("sabotage", MISCOLLECTED)
def test_checks_that_cannot_be_collected_are_the_labs_fault(
    kit: Any, append_to: Callable[[str, str], None], sabotage: str
) -> None:
    code, message = MISCOLLECTED[sabotage]
    append_to(CHECKS, code)
    done = kit.grade("service", SOLUTION, "--no-load")
    assert done.code == 2, done.output
    assert done.report["problem"]["culprit"] == "lab"
    assert done.report["verdict"]["outcome"] == "error"
    assert message in done.output
    assert "test_basics.py" in done.output


def test_a_requirement_without_a_check_is_the_labs_fault(
    kit: Any, append_to: Callable[[str, str], None]
) -> None:
    append_to("labs/service/lab.toml", requirement_of_its_own("promised"))
    done = kit.grade("service", SOLUTION, "--no-load")
    assert done.code == 2
    assert done.report["problem"]["culprit"] == "lab"
    assert "No check and no threshold belongs to: promised" in done.output


def requirement_of_its_own(id_: str, stage: str = "basics") -> str:
    return (
        f'[[requirements]]\nid = "{id_}"\nstage = "{stage}"\ntitle = "{id_}"\n'
        'points = 1\nhint = "-"'
    )


@pytest.fixture(scope="module")
def undecided(shared_kit: Any) -> Any:
    """One grade of a lab in which each sabotaged check has a requirement of its own."""
    checks, manifest = shared_kit.folder / CHECKS, shared_kit.folder / "labs/service/lab.toml"
    code = [FIXTURES, SLOW]
    requirements = [requirement_of_its_own("slow-answer")]
    for index, (name, (check, _, _)) in enumerate(UNDECIDED.items()):
        id_ = name.replace(" ", "-")
        code.append(f'@requirement("{id_}")\n{check.replace("test_x", f"test_{index}")}')
        requirements.append(requirement_of_its_own(id_))
    checks.write_text("\n\n".join([checks.read_text(), *code]) + "\n")
    manifest.write_text("\n\n".join([manifest.read_text(), *requirements]))
    return shared_kit.grade("service", SOLUTION, "--no-load", "--seed", 1)


@pytest.mark.parametrize("sabotage", UNDECIDED)
def test_a_check_that_cannot_judge_says_so(undecided: Any, sabotage: str) -> None:
    id_ = sabotage.replace(" ", "-")
    _, outcome, message = UNDECIDED[sabotage]
    assert undecided.requirement(id_)["outcome"] == outcome
    assert undecided.requirement(id_)["earned"] == 0
    assert message in undecided.feedback(id_)["got"]


def test_a_service_that_never_answers_is_the_learners_fault_though(undecided: Any) -> None:
    assert undecided.requirement("slow-answer")["outcome"] == "failed"
    assert "a complete answer" in undecided.feedback("slow-answer")["expected"]


def test_sabotaged_checks_spoil_no_others(undecided: Any) -> None:
    assert undecided.requirement("keeps-notes")["outcome"] == "passed"
    assert undecided.requirement("unknown-404")["outcome"] == "passed"
