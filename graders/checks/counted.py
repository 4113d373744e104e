"""A counted load profile: how much work one request of each class costs, without any clock.

Statements and commands are counted on the wire after a warm-up, and include what was put off for
later. Blocks, rows and temporary blocks come from PostgreSQL's statistics, which are exact once
the submission has disconnected: they cover all since its data was loaded, cold caches included.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from graders.checks.context import Context
from graders.checks.loading import Environ, Loaded, Prepare, locustfile, offer_load
from graders.errors import CheckFailed, LabError
from graders.load import LoadRun
from graders.manifest import LoadProfile
from graders.model import Feedback, LoadFigures, load_phase
from graders.samples import SUBMISSION, Samples
from graders.services import Database
from graders.services.proxy import Observer
from graders.services.wire import PostgresObserver, RedisObserver, Tally
from graders.stand import App
from graders.thresholds import judge_count, target_figures, work_of

RATE_RPS = 200.0
WARM_UP_FRACTION = 0.25
SETTLE_S = 3.0
ERROR_FRACTION = 0.01
OBSERVERS: Mapping[str, Callable[[Tally], Observer]] = {
    "postgres": PostgresObserver,
    "redis": RedisObserver,
}
ON_THE_WIRE = {"postgres": "sql_per_request", "redis": "redis_per_request"}


@dataclass(frozen=True)
class Counted:
    """The work of one class at one size."""

    samples: Samples
    per_request: dict[str, float]


def run_counted(context: Context, name: str, environ: Environ, prepare: Prepare) -> Loaded:
    """Count each class at each size of the profile, on fresh services every time."""
    profile = context.manifest.load[name]
    sizes: list[int | None] = [*profile.sizes] or [None]
    with context.phases.of(load_phase(name)):
        counted = {
            (task, size): _count(context, name, profile, task, size, environ, prepare)
            for task in profile.classes
            for size in sizes
        }
    results = []
    for threshold in profile.thresholds:
        tasks = [threshold.endpoint] if threshold.endpoint else list(profile.classes)
        per_size = {
            size: _worst([counted[task, size].per_request for task in tasks]) for size in sizes
        }
        results.append(judge_count(threshold, name, per_size))
    figures = target_figures([one.samples for one in counted.values()], SUBMISSION)
    loaded = LoadFigures(
        profile=name,
        mode="counted",
        rate_rps=None,
        runs=1,
        invalid_runs=(),
        send_lag_p99_ms=None,
        submission=figures,
        reference=None,
        per_request=_named(counted, profile),
        work=work_of(profile, {key: one.per_request for key, one in counted.items()}),
    )
    return Loaded(profile, loaded, tuple(results))


def _count(
    context: Context,
    name: str,
    profile: LoadProfile,
    task: str,
    size: int | None,
    environ: Environ,
    prepare: Prepare,
) -> Counted:
    tallies = {service: Tally() for service in context.stand.servers}
    observers = {
        service: lambda service=service: OBSERVERS[service](tallies[service]) for service in tallies
    }
    label = f"{name}-{task}-{size or 'one'}"
    with context.stand.run(context.submission, env=environ(), observers=observers) as app:
        env = prepare(app, size)
        with _database_work(app) as work:
            warm_up = _load_run(context, profile, task, WARM_UP_FRACTION, seed=0)
            warm = offer_load(context, f"{label}-warm-up", warm_up, [app], env)
            before = {service: tally.count for service, tally in tallies.items()}
            run = _load_run(context, profile, task, 1.0, seed=1)
            samples = offer_load(context, label, run, [app], env)
            time.sleep(SETTLE_S)  # work put off for later belongs to the requests that caused it
            asked = {service: tallies[service].count - before[service] for service in tallies}
    answered = _require_answers(label, profile, samples, task)
    per_request = {ON_THE_WIRE[service]: count / answered for service, count in asked.items()}
    per_request |= {key: value / (answered + len(warm.ok)) for key, value in work.items()}
    per_request["bytes_per_request"] = float(samples.received_bytes.mean())
    return Counted(samples, per_request)


def _load_run(
    context: Context, profile: LoadProfile, task: str, fraction: float, seed: int
) -> LoadRun:
    return LoadRun(
        locustfile=locustfile(context),
        user=profile.user,
        rate_rps=RATE_RPS,
        duration_s=profile.requests * fraction / RATE_RPS,
        warmup_s=0.0,
        seed=context.order.seed * 1000 + seed,
        task=task,
    )


@contextmanager
def _database_work(app: App) -> Iterator[dict[str, float]]:
    """Fill in what the app's database did meanwhile; the app is stopped in the end."""
    work: dict[str, float] = {}
    if "postgres" not in app.resources:
        yield work
        return
    before = _database_totals(app.postgres)
    yield work
    app.stop()
    after = _database_totals(app.postgres)
    work.update({key: after[key] - before[key] for key in after})


def _database_totals(database: Database) -> dict[str, float]:
    touched = database.work()
    return {
        "blocks_per_request": touched.blocks,
        "rows_per_request": touched.rows,
        "temp_blocks_per_request": database.temp_blocks(),
        "wal_bytes_per_request": database.wal_bytes(),
    }


def _require_answers(label: str, profile: LoadProfile, samples: Samples, task: str) -> int:
    """Return how many requests were answered; too few, or wrong ones, count nothing."""
    answered, errors = len(samples.ok), int((~samples.ok).sum())
    named = samples.requests_by_class(SUBMISSION).get(task, 0)
    if answered - errors > named:
        raise LabError(
            f"The counted profile {label} made {answered} requests, {named} of class {task!r}.",
            "Let the task fire requests under its own name only.",
        )
    if answered < profile.requests / 2:
        raise LabError(
            f"The counted profile {label} made {answered} of about {profile.requests} requests.",
            "Let its tasks fire one request each.",
        )
    if errors > ERROR_FRACTION * answered:
        first = "; ".join(samples.errors[SUBMISSION])
        expected = f"right answers while requests of {label} are counted"
        raise CheckFailed(Feedback(expected, f"{errors} of {answered} were wrong: {first}"))
    return answered


def _worst(figures: list[dict[str, float]]) -> dict[str, float]:
    return {key: max(one[key] for one in figures) for key in figures[0]}


def _named(
    counted: Mapping[tuple[str, int | None], Counted], profile: LoadProfile
) -> dict[str, float]:
    """Return the figures by metric, with class and size in the name where there are several."""
    named: dict[str, float] = {}
    for (task, size), one in counted.items():
        prefix = f"{task}." if len(profile.classes) > 1 else ""
        suffix = f"@{size}" if size else ""
        named |= {f"{prefix}{key}{suffix}": value for key, value in one.per_request.items()}
    return named
