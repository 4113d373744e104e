"""A lab that is broken is never passed, and never the learner's fault."""

from collections.abc import Callable
from typing import Any

import pytest

SOLUTION = "solutions/cached"
CHECKS, MANIFEST = "labs/service/checks/test_basics.py", "labs/service/lab.toml"
LOCUSTFILE = "labs/service/load/locustfile.py"

MISCOLLECTED = {
    "a requirement that lab.toml lacks": (
        '@requirement("heading")\ndef test_x(): assert True',
        "did you mean 'headings'",
    ),
    "two markers": (
        '@requirement("status")\n@requirement("headings")\ndef test_x(): assert True',
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
    append_to("labs/document/checks/test_record.py", code)
    done = kit.grade("document", "solutions/complete")
    assert done.code == 2, done.output
    assert done.report["problem"]["culprit"] == "lab"
    assert done.report["verdict"]["outcome"] == "error"
    assert message in done.output
    assert "test_record.py" in done.output


def test_a_requirement_without_a_check_is_the_labs_fault(
    kit: Any, append_to: Callable[[str, str], None]
) -> None:
    append_to("labs/document/lab.toml", requirement_of_its_own("promised", "record"))
    done = kit.grade("document", "solutions/complete")
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
    checks, manifest = shared_kit.folder / CHECKS, shared_kit.folder / MANIFEST
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
    assert undecided.requirement("slow-answer")["outcome"] == "failed", undecided.feedback(
        "slow-answer"
    )
    assert "a complete answer" in undecided.feedback("slow-answer")["expected"]


def test_sabotaged_checks_spoil_no_others(undecided: Any) -> None:
    assert undecided.requirement("keeps-notes")["outcome"] == "passed"
    assert undecided.requirement("unknown-404")["outcome"] == "passed"


BROKEN_USERS = """
class RaisingUser(FastHttpUser):
    @task
    def read(self):
        raise ValueError("this task is wrong")


class RareUser(ReadUser):
    pass


class BusyUser(FastHttpUser):
    @task
    def read(self):
        sum(range(2_000_000))
        self.client.get("/notes/old-1", name="read")
"""
BROKEN_PROFILES = {
    "no-such-user": ("NoSuchUser", "timed", "{}", "NoSuchUser"),
    "task-raises": ("RaisingUser", "timed", "{}", "this task is wrong"),
    "class-never-fires": ("RareUser", "timed", "{ write = 0.1 }", "requests of class 'write'"),
    "no-such-task": ("RareUser", "counted", "{ write = 1.0 }", "RareUser has no task 'write'"),
    "too-heavy": ("BusyUser", "timed", "{}", "too heavy for one generator"),
    "too-strict": ("RareUser", "timed", "{}", "this machine can't tell"),
}
METRICS = {
    "timed": 'metric = "error_fraction"\nmax = 1',
    "counted": 'metric = "sql_per_request"\nmax = 5000',
    "too-strict": 'metric = "p95_ms"\nmax = 0.001',
}


def profile_of_its_own(id_: str, user: str, mode: str, classes: str) -> str:
    name, metric = id_.replace("-", "_"), METRICS.get(id_, METRICS[mode])
    return (
        f'[load.{name}]\nuser = "{user}"\nmode = "{mode}"\nrate_rps = 50\nduration_s = 1\n'
        f"warmup_s = 0\nrequests = 40\nclasses = {classes}\n"
        f'[[load.{name}.thresholds]]\nrequirement = "{id_}"\n{metric}'
    )


@pytest.fixture(scope="module")
def overloaded(tmp_path_factory: pytest.TempPathFactory, new_kit: Callable[..., Any]) -> Any:
    """One grade of a lab in which each sabotaged load profile has a requirement of its own."""
    kit = new_kit(tmp_path_factory.mktemp("overloaded"))
    manifest, locustfile = kit.folder / MANIFEST, kit.folder / LOCUSTFILE
    parts, asked = [manifest.read_text()], []
    for id_, (user, mode, classes, _) in BROKEN_PROFILES.items():
        parts.append(requirement_of_its_own(id_, "load"))
        parts.append(profile_of_its_own(id_, user, mode, classes))
        asked += ["-r", id_]
    manifest.write_text("\n\n".join(parts))
    locustfile.write_text(locustfile.read_text() + BROKEN_USERS)
    return kit.grade("service", SOLUTION, "--all", *asked)


@pytest.mark.alone
@pytest.mark.parametrize("id_", BROKEN_PROFILES)
def test_a_load_profile_that_proves_nothing_is_the_labs_fault(overloaded: Any, id_: str) -> None:
    assert overloaded.code == 2, overloaded.output
    assert overloaded.report["verdict"]["outcome"] == "error"
    assert overloaded.requirement(id_)["outcome"] == "error"
    feedback = overloaded.feedback(id_)
    assert BROKEN_PROFILES[id_][-1] in "\n".join([feedback["got"], *feedback["log"]])


def test_a_locustfile_that_cannot_be_imported_is_the_labs_fault(
    kit: Any, append_to: Callable[[str, str], None]
) -> None:
    append_to(LOCUSTFILE, 'raise RuntimeError("this file is wrong")')
    done = kit.grade("service", SOLUTION, "-r", "fast-reads")
    assert done.code == 2, done.output
    assert "can't be run" in done.feedback("fast-reads")["got"]
    assert "this file is wrong" in "\n".join(done.feedback("fast-reads")["log"])


def test_a_reference_that_does_not_start_is_the_labs_fault(kit: Any) -> None:
    manifest = kit.folder / MANIFEST
    manifest.write_text(manifest.read_text().replace('"solutions/cached"', '"solutions/dead"', 1))
    dead = kit.folder / "labs/service/solutions/dead"
    dead.mkdir()
    (dead / "submission.toml").write_text('start = ["false"]\n')
    done = kit.grade("service", SOLUTION, "-r", "fast-reads")
    assert done.code == 2, done.output
    assert "reference solution can't be measured" in done.feedback("fast-reads")["got"]


@pytest.mark.alone
def test_a_reference_that_fails_its_requests_is_the_labs_fault(kit: Any) -> None:
    manifest = kit.folder / MANIFEST
    manifest.write_text(manifest.read_text().replace('"solutions/cached"', '"starter"', 1))
    done = kit.grade("service", SOLUTION, "-r", "fast-reads")
    assert done.code == 2, done.output
    assert "the reference solution failed 100.0%" in done.feedback("fast-reads")["got"]


REGARDLESS = """
[[stages]]
name = "late"
title = "Graded regardless"
regardless = true

[[requirements]]
id = "late"
stage = "late"
title = "It passes"
points = 1
hint = "-"
"""
LATE = """
from graders.checks import requirement

ran = []


@requirement("record", again="late")
def test_runs_twice():
    ran.append("record")
    assert ran


@requirement("late")
def test_late():
    assert ran == ["record"]


@requirement("record")
def test_fails(submission_dir):
    assert not submission_dir.exists()
"""


@pytest.mark.parametrize(("gate", "late"), [(False, "passed"), (True, "skipped")])
def test_a_stage_regardless_of_others_is_left_out_for_a_gate_only(
    kit: Any, gate: bool, late: str
) -> None:
    manifest = kit.folder / "labs/document/lab.toml"
    first = requirement_of_its_own("record", "record") + ("\ngate = true" if gate else "")
    manifest.write_text("\n".join([manifest.read_text(), first, REGARDLESS]))
    (kit.folder / "labs/document/checks/test_late.py").write_text(LATE)
    done = kit.grade("document", "solutions/complete")
    assert done.requirement("record")["outcome"] == "failed", done.output
    assert done.requirement("late")["outcome"] == late
    names = [check["check"].split("::")[1] for check in done.requirement("record")["checks"]]
    assert sorted(names) == ["test_fails", "test_runs_twice[again]", "test_runs_twice[first]"]
    others = [one["earned"] for one in done.report["requirements"] if one["id"] != "record"]
    assert any(others) != gate
