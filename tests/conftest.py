"""What all tests share: the switch that re-records expected files, and one fixed report."""

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from graders.errors import MachineError
from graders.model import (
    CheckResult,
    EstimateResult,
    Feedback,
    Interval,
    Lane,
    LoadFigures,
    LookAlike,
    Mark,
    Outcome,
    Report,
    RequirementResult,
    TargetFigures,
    ThresholdResult,
    Timeline,
    Tone,
)
from graders.sandbox.base import OwnLevel
from graders.sandbox.probes import probe
from graders.verdict import judge_submission
from tests.docker_engine import engine_runs, images  # noqa: F401 - fixtures
from tests.side_by_side import (  # noqa: F401 - hooks
    pytest_runtest_protocol,
    pytest_xdist_make_scheduler,
)

# Same examples every time, few of them, no limit on a single one: machines that test are busy.
hypothesis.settings.register_profile("kit", derandomize=True, max_examples=25, deadline=None)
hypothesis.settings.load_profile("kit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        action="store_true",
        help="write golden files and published schemas anew instead of comparing with them",
    )


@pytest.fixture(scope="session")
def compare(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Demand that a file of the repository holds exactly this text; write it with --record."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("record"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is missing; make it with: pytest --record"
        recorded = path.read_text(encoding="utf-8")
        assert text == recorded, f"{path.name} differs; if that is meant: pytest --record"

    return check


@pytest.fixture(scope="session")
def report() -> Report:
    """A finished attempt in which every outcome occurs."""
    requirements = (*_basics(), *_load(), _faults())
    return Report(
        schema_version=1,
        attempt="20240229T120000-abc123",
        lab="guest_book",
        title="Guest book",
        started_at="2024-02-29T12:00:00.000+00:00",
        duration_s=21.5,
        seed=4711,
        submission="submissions/guest_book",
        content_hash="0123456789abcdef" * 4,
        machine={"python": "3.11.9", "system": "Linux x86_64", "cores": "2"},
        phases_s={"start": 1.25, "checks": 20.0},
        verdict=judge_submission(requirements, None),
        requirements=requirements,
        thresholds=_thresholds(),
        loads=(_load_figures(),),
        estimates=(
            EstimateResult("p95_ms", "95th percentile of a page", "ms", 8.0, 4.0, 2.0),
            EstimateResult("bytes_per_entry", "Size of an entry", "bytes", None, 143.2, None),
        ),
        problem=None,
        log=("INFO ready", "ERROR <b>no such page</b>"),
        look_alike=LookAlike(
            mutant="drops_markup",
            requirement="keeps-entries",
            misconception="Markup is a <b>threat</b> and must be thrown away.",
            read="README.md, Entries",
            checks=("checks/test_basics.py::test_an_entry_is_kept",),
            score=1.0,
        ),
        timelines=(_timeline(),),
    )


def _timeline() -> Timeline:
    asked = (Mark(0.5, 1.25, "GET /entries"), Mark(1.0, 3.0, "GET /entries", Tone.BAD))
    answered = tuple(Mark(at / 4, at / 4, "200", Tone.GOOD) for at in range(9))
    lanes = (Lane("asked", asked), Lane("answered", answered, left_out=2), Lane("faults", ()))
    return Timeline("An entry is read beside a write", "keeps-entries", 3.0, lanes)


def _check(
    name: str, requirement: str, stage: str, outcome: Outcome, feedback: Feedback | None = None
) -> CheckResult:
    where = f"checks/test_{stage}.py::{name}"
    return CheckResult(where, requirement, stage, outcome, 0.125, 2, feedback)


def _basics() -> tuple[RequirementResult, ...]:
    lost = Feedback(
        expected='201 for an entry with "quotes", <tags> & a | bar',
        got='500 with body <script>alert("boo")</script>',
        where='curl -i -X POST http://127.0.0.1:8000/entries -d \'{"text": "<b>"}\'',
        next_step="Read the last lines of your service.",
        log=("Traceback (most recent call last):", "KeyError: 'text'"),
    )
    greets = _check("test_the_page_greets", "greets", "basics", Outcome.PASSED)
    lists = _check("test_entries_are_listed", "keeps-entries", "basics", Outcome.PASSED)
    keeps = _check("test_an_entry_is_kept", "keeps-entries", "basics", Outcome.FAILED, lost)
    return (
        RequirementResult(
            "greets", "The page greets its reader", "basics", Outcome.PASSED, 3, 3, "", (greets,)
        ),
        RequirementResult(
            "keeps-entries",
            "An entry is kept, whatever it says",
            "basics",
            Outcome.FAILED,
            5,
            0,
            f"expected {lost.expected}, got {lost.got}",
            (lists, keeps),
        ),
    )


def _load() -> tuple[RequirementResult, ...]:
    doubt = Feedback("a clear result", "The p95 time is 1.80 to 2.60 × the reference solution's.")
    broken = Feedback(
        "the check to run",
        "ZeroDivisionError: division by zero",
        where="checks/test_load.py:12",
        next_step="This is the lab's fault: the check broke before it could judge.",
    )
    fast = _check("threshold[pages-p95_ms]", "fast", "load", Outcome.INCONCLUSIVE, doubt)
    cheap = _check("test_pages_are_cheap", "cheap", "load", Outcome.ERROR, broken)
    return (
        RequirementResult(
            "fast",
            "Pages are fast",
            "load",
            Outcome.INCONCLUSIVE,
            4,
            0,
            f"expected {doubt.expected}, got {doubt.got}",
            (fast,),
        ),
        RequirementResult(
            "cheap",
            "Pages are cheap",
            "load",
            Outcome.ERROR,
            2,
            0,
            f"expected {broken.expected}, got {broken.got}",
            (cheap,),
        ),
    )


def _faults() -> RequirementResult:
    reason = "stage 'basics' failed first"
    skipped = _check(
        "test_entries_survive_a_restart",
        "survives-restart",
        "faults",
        Outcome.SKIPPED,
        Feedback("the check to run", reason),
    )
    return RequirementResult(
        "survives-restart",
        "Entries survive a restart",
        "faults",
        Outcome.SKIPPED,
        6,
        0,
        reason,
        (skipped,),
    )


def _thresholds() -> tuple[ThresholdResult, ...]:
    return (
        ThresholdResult(
            requirement="fast",
            profile="pages",
            metric="p95_ms",
            outcome=Outcome.INCONCLUSIVE,
            sentence="The p95 time is 1.80 to 2.60 × the reference solution's in the same run "
            "(limit 2 ×).",
            measured=4.0,
            reference=2.0,
            ratio=Interval(2.0, 1.8, 2.6),
            max_ratio=2.0,
        ),
    )


def _load_figures() -> LoadFigures:
    submission = TargetFigures(1600, 1598, 2, 2.0, 4.0, 9.5, 31.0, 1.1, {"page": 1600}, ("500",))
    reference = TargetFigures(1590, 1590, 0, 1.0, 2.0, 5.0, 14.0, 0.9, {"page": 1590})
    return LoadFigures(
        profile="pages",
        mode="timed",
        rate_rps=200.0,
        runs=3,
        invalid_runs=("requests were sent up to 40 ms late (p99; limit 6 ms)",),
        send_lag_p99_ms=1.5,
        submission=submission,
        reference=reference,
    )


@pytest.fixture(scope="session")
def sandbox_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where images and probes of the sandbox are kept while the tests run."""
    return tmp_path_factory.mktemp("sandbox-cache")


@pytest.fixture(scope="session")
def allowed(sandbox_cache: Path) -> None:
    """Skip, with the reason, where this machine can't have level bwrap."""
    _require("bwrap", sandbox_cache)


@pytest.fixture(scope="session")
def docker_allowed(images: None, sandbox_cache: Path) -> None:  # noqa: F811
    """Skip, with the reason, where this machine can't have level docker."""
    _require("docker", sandbox_cache)


def _require(level: OwnLevel, cache: Path) -> None:
    try:
        probe(level, cache)
    except MachineError as error:
        pytest.skip(f"no level {level} here: {error.problem}")
