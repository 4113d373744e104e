"""The pytest plugin: requirements, stages, time limits, vacuity, culprits.

It sleeps unless a grade hands it a Context, or `--submission PATH` asks for one.
"""

import dataclasses
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from graders.checks.context import CONTEXT, Context, Order, open_context
from graders.checks.fixtures import (
    app,
    app_factory,
    context,
    listen,
    load,
    load_env,
    play_origin,
    postgres,
    prepare_load,
    provision,
    record,
    redis,
    reference_dir,
    rng,
    run_program,
    seed,
    start_app,
    submission_dir,
    verify_load,
)
from graders.checks.growing import growth
from graders.checks.outcomes import excuse_full_disk, judge_item
from graders.checks.selection import (
    CHECK,
    assign,
    count_by_requirement,
    require_checks,
    run_twice,
    select,
    sort_by_stage,
)
from graders.checks.threshold_items import threshold_items
from graders.checks.timelines import timeline
from graders.errors import GradingError, LabError
from graders.ledger import LEDGER
from graders.manifest import load_manifest
from graders.model import CheckResult, ChecksFound, Outcome, stage_phase
from graders.processes import run_folder
from graders.sandbox import Containment
from graders.state import cache_folder

__all__ = [
    "app",
    "app_factory",
    "context",
    "growth",
    "listen",
    "load",
    "load_env",
    "play_origin",
    "postgres",
    "prepare_load",
    "provision",
    "record",
    "redis",
    "reference_dir",
    "rng",
    "run_program",
    "seed",
    "start_app",
    "submission_dir",
    "timeline",
    "verify_load",
]

STARTED_AT: pytest.StashKey[int] = pytest.StashKey()
LOG_BEFORE: pytest.StashKey[tuple[str, ...]] = pytest.StashKey()
SHOWN_LOG_LINES = 10


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let checks run without the `lab` command: `pytest labs/X/checks --submission PATH`."""
    group = parser.getgroup("system-design lab")
    group.addoption("--submission", type=Path, help="grade this folder with the checks of a lab")
    group.addoption("--lab-seed", type=int, default=0, help="seed of everything random")
    group.addoption(
        "--lab-services", default="embedded", choices=["embedded", "external", "docker"]
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; open a stand when pytest was called without the `lab` command."""
    config.addinivalue_line("markers", "requirement(id): the requirement this check belongs to")
    config.addinivalue_line("markers", "again(stage): where a check runs once more")
    source = config.getoption("submission", None)
    if source and CONTEXT not in config.stash:
        try:
            config.stash[CONTEXT] = _open_alone(config, source)
        except GradingError as error:
            raise pytest.UsageError(f"{error.problem} {error.next_step}") from None


def _open_alone(config: pytest.Config, source: Path) -> Context:
    checks = next((Path(one.split("::")[0]).resolve() for one in config.args), Path.cwd())
    lab = next((one for one in [checks, *checks.parents] if (one / "lab.toml").exists()), checks)
    manifest = load_manifest(lab)
    order = Order(
        lab=lab,
        manifest=manifest,
        source=source,
        seed=config.getoption("lab_seed"),
        requirements=frozenset(one.id for one in manifest.requirements),
        run_all=True,
        services=config.getoption("lab_services"),
        containment=Containment(),
        cache=cache_folder(),
    )
    stack = ExitStack()
    config.add_cleanup(stack.close)
    folder = stack.enter_context(run_folder())
    return stack.enter_context(open_context(order, folder, progress=lambda _result: None))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add thresholds as items, tie each item to its requirement, keep stage order."""
    grade = config.stash.get(CONTEXT, None)
    if not grade or grade.findings.problem:
        return
    try:
        items += threshold_items(grade, items)
        for item in items:
            assign(item, grade.manifest)
        if all(Path(one.split("::")[0]).is_dir() for one in config.args):
            require_checks(items, grade.manifest)
    except LabError as error:
        grade.findings.problem = error
        raise pytest.UsageError(error.problem) from None
    sort_by_stage(items, grade.manifest, grade.order.first)
    if left_out := select(items, grade.order.requirements):
        config.hook.pytest_deselected(items=left_out)
    grade.progress(ChecksFound(count_by_requirement(items)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make two items of a check that runs again in another stage."""
    run_twice(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Keep the first module of checks that can't be imported: the lab's fault."""
    report = yield
    grade = collector.config.stash.get(CONTEXT, None)
    if grade and report.failed and not grade.findings.problem:
        grade.findings.problem = LabError(
            f"{report.nodeid} can't be collected.",
            "Correct the check; its last lines are below.",
            report.longreprtext.splitlines()[-10:],
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count the time of an item, what is set up for it included, as its stage's."""
    grade = item.config.stash.get(CONTEXT, None)
    if not grade or CHECK not in item.stash:
        return (yield)
    with grade.phases.of(stage_phase(item.stash[CHECK].stage)):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a check when a stage before its own has failed; start the clock of its calls."""
    grade = item.config.stash.get(CONTEXT, None)
    if not grade or CHECK not in item.stash:
        return
    item.stash[STARTED_AT] = LEDGER.assertions
    item.stash[LOG_BEFORE] = _log_now(grade)
    check = item.stash[CHECK]
    failed = grade.findings.failed_stage(grade.manifest.stage_index(check.stage), grade.manifest)
    if failed and not grade.order.run_all:
        pytest.skip(f"stage {failed!r} failed first")
    grade.stand.sandbox.require_within_limits()  # after its end nothing more can be found out
    grade.stand.client.begin_check(check.timeout_s)


def pytest_assertion_pass(item: pytest.Item) -> None:
    """Count plain `assert` statements that hold."""
    if CHECK in item.stash:
        LEDGER.reached()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn what happened into a CheckResult; a vacuous check does not pass in pytest either."""
    report = yield
    grade = item.config.stash.get(CONTEXT, None)
    if not grade or CHECK not in item.stash:
        return report
    if call.excinfo and call.excinfo.errisinstance(KeyboardInterrupt):
        return report
    assertions = LEDGER.assertions - item.stash[STARTED_AT]
    result = judge_item(item.nodeid, item.stash[CHECK], call, assertions)
    if result:
        result = _with_log(result, _log_now(grade), item.stash[LOG_BEFORE])
        result = excuse_full_disk(result, grade.stand.folder)
        grade.findings.checks.append(result)
        grade.progress(result)
        if result.outcome is Outcome.ERROR and report.passed and result.feedback:
            report.outcome, report.longrepr = "failed", result.feedback.expected
    return report


def _log_now(grade: Context) -> tuple[str, ...]:
    running = grade.findings.running
    return running[-1].log_tail(SHOWN_LOG_LINES) if running else ()


def _with_log(result: CheckResult, log: tuple[str, ...], before: tuple[str, ...]) -> CheckResult:
    """Show the submission's last lines beside a failure, if it wrote any since the check began."""
    feedback = result.feedback
    if result.outcome is not Outcome.FAILED or not feedback or feedback.log or log == before:
        return result
    return dataclasses.replace(result, feedback=dataclasses.replace(feedback, log=log))
