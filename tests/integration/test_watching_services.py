"""The watcher's grading process: services run before there is a job, for this one job alone."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from graders.model import CheckResult, Outcome
from graders.watch.grader import Grader
from graders.watch.messages import Job, Ready, Recorded

LAB, SOLUTION = Path("labs/service"), Path("labs/service/solutions/cached")
JOB = Job(("serves-seeded",), (), run_all=False, seed=1)
SERVERS = ("postgres", "redis-server", "valkey-server")


@pytest.fixture
def grader(kit: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grader]:
    monkeypatch.chdir(kit.folder)
    monkeypatch.delenv("LAB_HOME", raising=False)
    with Grader(LAB, SOLUTION, "embedded") as opened:
        yield opened


@pytest.fixture
def make_ready(grader: Grader, wait_until: Callable[..., Any]) -> Callable[[], None]:
    def prepare() -> None:
        grader.prepare()
        child = grader.ahead
        assert child
        wait_until(lambda: Ready() in list(child.messages()), "a process that is ready")

    return prepare


@pytest.fixture
def grade(grader: Grader, wait_until: Callable[..., Any]) -> Callable[[], list[Any]]:
    """Give the job and return all that is said until nothing is left."""
    return lambda: all_of_it(grader, JOB, wait_until)


def all_of_it(grader: Grader, job: Job, wait_until: Callable[..., Any]) -> list[Any]:
    """Give a job and return all that is said until nothing is left."""
    said: list[Any] = []
    grader.begin(job)

    def over() -> bool:
        said.extend(grader.happened())
        return said[-1:] == [None]

    wait_until(over, "the end of the grade")
    return said


@pytest.fixture
def servers() -> Callable[[], set[int]]:
    """Return the servers that descend from this process; not those that other tests keep."""

    def running() -> set[int]:
        found = set()
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if one.name().startswith(SERVERS):
                    found.add(one.pid)
        return found

    others = running()
    return lambda: running() - others


def outcomes(said: list[Any]) -> list[Outcome]:
    return [one.outcome for one in said if isinstance(one, CheckResult)]


def test_services_run_before_the_job_and_end_with_it(
    servers: Callable[[], set[int]],
    make_ready: Callable[[], None],
    grade: Callable[[], list[Any]],
    gone: Callable[[int], None],
) -> None:
    make_ready()
    before = servers()
    assert before
    said = grade()
    assert outcomes(said) == [Outcome.PASSED]
    assert any(isinstance(one, Recorded) for one in said)
    for pid in before:
        gone(pid)


def test_every_job_has_services_of_its_own(
    servers: Callable[[], set[int]],
    make_ready: Callable[[], None],
    grade: Callable[[], list[Any]],
) -> None:
    make_ready()
    first = servers()
    grade()
    make_ready()
    assert not first & servers()
    assert outcomes(grade()) == [Outcome.PASSED]


def test_the_check_that_is_named_first_runs_first(
    grader: Grader, wait_until: Callable[..., Any]
) -> None:
    lab = Path("labs/greeter")
    last = "checks/test_greeter.py::test_an_unknown_page_is_not_found"
    job = Job(("greets", "greets-by-name", "unknown-404"), (last,), run_all=False, seed=1)
    grader.lab, grader.folder = lab, lab / "starter"
    said = all_of_it(grader, job, wait_until)
    checks = [one.check for one in said if isinstance(one, CheckResult)]
    assert checks[0] == last
    assert len(checks) == 4


def test_services_of_a_lab_that_changed_meanwhile_are_not_used(
    make_ready: Callable[[], None], grade: Callable[[], list[Any]]
) -> None:
    make_ready()
    rows = LAB / "seed/rows.py"
    rows.write_text(rows.read_text().replace("text of", "another text of"))
    assert outcomes(grade()) == [Outcome.FAILED]  # the check expects the old text


def test_who_waits_for_a_job_ends_with_its_services(
    grader: Grader, make_ready: Callable[[], None], gone: Callable[[int], None]
) -> None:
    others = {one.pid for one in psutil.Process().children(recursive=True)}
    make_ready()
    family = psutil.Process().children(recursive=True)
    child = grader.ahead
    assert child
    child.close()
    assert child.is_gone()
    grader.ahead = None
    for one in family:
        if one.pid not in others:
            gone(one.pid)
