"""Running a load profile for one grade: timed beside the reference, or counted through proxies."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from graders.checks.context import Context
from graders.errors import CheckFailed, LabError, MachineError
from graders.load import LoadRun, Target, offer
from graders.manifest import LoadProfile
from graders.model import Feedback, LoadFigures, Outcome, ThresholdResult
from graders.samples import SUBMISSION, Samples
from graders.services.proxy import Observer
from graders.services.wire import PostgresObserver, RedisObserver, Tally
from graders.stand import App
from graders.thresholds import (
    invalid_reason,
    judge_count,
    judge_timed,
    rare_class,
    target_figures,
    timed_figures,
    void_reason,
)

VALID_RUNS, INVALID_RUNS = 3, 3
COUNTED_RATE_RPS = 200.0
SETTLE_S = 3.0
COUNTED_ERROR_FRACTION = 0.01
COUNTERS = {"postgres": "sql_per_request", "redis": "redis_per_request"}

Prepare = Callable[[App], Mapping[str, str]]


@dataclass(frozen=True)
class Loaded:
    """A load profile after it ran: figures for the report, one result per threshold."""

    profile: LoadProfile
    figures: LoadFigures
    thresholds: tuple[ThresholdResult, ...]


def run_profile(context: Context, name: str, prepare: Prepare) -> Loaded:
    """Run one load profile of the manifest and judge its thresholds."""
    profile = context.manifest.load[name]
    run = _timed if profile.mode == "timed" else _counted
    loaded = run(context, name, profile, prepare)
    context.findings.loads.append(loaded.figures)
    context.findings.thresholds += loaded.thresholds
    return loaded


def _timed(context: Context, name: str, profile: LoadProfile, prepare: Prepare) -> Loaded:
    runs: list[Samples] = []
    invalid: list[str] = []
    results: tuple[ThresholdResult, ...] = ()
    with ExitStack() as stack:
        submissions = (context.submission, context.reference())
        apps = [stack.enter_context(context.stand.run(one)) for one in submissions]
        env = {key: value for app in apps for key, value in prepare(app).items()}
        while len(runs) < VALID_RUNS and len(invalid) <= INVALID_RUNS:
            number = len(runs) + len(invalid)
            samples = _offer(context, f"{name}-{number}", profile, apps, env, number)
            if reason := invalid_reason(samples, profile):
                invalid.append(reason)
                continue
            runs.append(samples)
            results = tuple(judge_timed(one, name, runs) for one in profile.thresholds)
            if all(result.outcome is not Outcome.INCONCLUSIVE for result in results):
                break
    if not runs:
        raise MachineError(
            f"This machine was too busy to measure the load profile {name!r}: {invalid[-1]}.",
            "Close what keeps it busy and grade again; nothing was held against the submission.",
        )
    if reason := void_reason(runs, profile):
        raise _proves_nothing(name, reason)
    return Loaded(profile, timed_figures(name, profile, runs, invalid), results)


def _counted(context: Context, name: str, profile: LoadProfile, prepare: Prepare) -> Loaded:
    tallies = {"postgres": Tally(), "redis": Tally()}
    observers: Mapping[str, Callable[[], Observer]] = {
        "postgres": lambda: PostgresObserver(tallies["postgres"]),
        "redis": lambda: RedisObserver(tallies["redis"]),
    }
    used = {key: observers[key] for key in context.stand.servers}
    with context.stand.run(context.submission, observers=used) as app:
        env = prepare(app)
        _offer(context, f"{name}-warm-up", profile, [app], env, 0)
        before = {key: tally.count for key, tally in tallies.items()}
        samples = _offer(context, f"{name}-counted", profile, [app], env, 1)
        time.sleep(SETTLE_S)  # work put off for later belongs to the requests that caused it
        asked = {key: tallies[key].count - before[key] for key in used}
    figures = target_figures([samples], SUBMISSION)
    answered = len(samples.ok)
    _require_answers(name, profile, figures.errors, answered, figures.first_errors)
    if reason := rare_class(figures.requests_by_class, profile):
        raise _proves_nothing(name, reason)
    per_request = {COUNTERS[key]: count / answered for key, count in asked.items()}
    counted = LoadFigures(
        profile=name,
        mode="counted",
        rate_rps=None,
        runs=1,
        invalid_runs=(),
        send_lag_p99_ms=None,
        submission=figures,
        reference=None,
        per_request=per_request,
    )
    results = tuple(judge_count(one, name, per_request) for one in profile.thresholds)
    return Loaded(profile, counted, results)


def _proves_nothing(name: str, reason: str) -> LabError:
    return LabError(f"The load profile {name!r} proves nothing: {reason}.", "Correct the lab.")


def _require_answers(
    name: str, profile: LoadProfile, errors: int, answered: int, first: tuple[str, ...]
) -> None:
    if answered < profile.requests / 2:
        raise LabError(
            f"The counted profile {name!r} made {answered} of about {profile.requests} requests.",
            "Let its user fire one request per task.",
        )
    if errors > COUNTED_ERROR_FRACTION * answered:
        raise CheckFailed(
            Feedback(
                f"right answers while requests of {name!r} are counted",
                f"{errors} of {answered} were wrong: {'; '.join(first)}",
            )
        )


def _offer(
    context: Context,
    name: str,
    profile: LoadProfile,
    apps: list[App],
    env: Mapping[str, str],
    number: int,
) -> Samples:
    counted = profile.mode == "counted"
    run = LoadRun(
        locustfile=str(context.order.lab.resolve() / "load" / "locustfile.py"),
        user=profile.user,
        rate_rps=COUNTED_RATE_RPS if counted else profile.rate_rps,
        duration_s=profile.requests / COUNTED_RATE_RPS if counted else profile.duration_s,
        warmup_s=0.0 if counted else profile.warmup_s,
        seed=context.order.seed * 1000 + number,
        targets=tuple(_target(app) for app in apps),
    )
    return offer(run, context.stand.folder, name, env)


def _target(app: App) -> Target:
    processes = [replica for replicas in app.processes.values() for replica in replicas]
    return Target(
        base_urls=tuple(replica.base_url for replica in app.replicas),
        process_ids=tuple(pid for one in processes for pid in one.process.process_ids()),
    )
