"""The fixtures a lab's checks use."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graders.checks.context import CONTEXT, Context
from graders.checks.counted import run_counted
from graders.checks.loading import Environ, Loaded, Prepare, Verify
from graders.checks.timed import run_timed
from graders.errors import LabError
from graders.manifest import did_you_mean
from graders.services import Database, RedisDatabase
from graders.stand import App, Asked, Listener, Origin, Reply

OUTPUT_LINES = 10_000


@pytest.fixture(scope="session")
def context(request: pytest.FixtureRequest) -> Context:
    """The grade this session is part of."""
    found = request.config.stash.get(CONTEXT, None)
    if found is None:
        pytest.fail("checks need a submission: run `lab grade`, or pytest with --submission PATH")
    return found


@pytest.fixture(scope="session")
def app_factory(context: Context) -> Callable[..., object]:
    """Run the submission once more: `with app_factory(env=…, replicas=…, faults=…) as app`."""

    @contextmanager
    def run(
        env: Mapping[str, str] | None = None, replicas: int = 1, faults: bool = False
    ) -> Iterator[App]:
        names = context.manifest.lab.services if faults else ()
        with context.stand.run(context.submission, env=env, replicas=replicas, faults=names) as app:
            context.findings.running.append(app)
            try:
                yield app
            finally:
                context.findings.running.remove(app)
                context.findings.log = app.log_tail()

    return run


@pytest.fixture(scope="session")
def app(app_factory: Callable[..., object]) -> Iterator[App]:
    """The submission on fresh services, shared by all checks of the run."""
    with app_factory() as running:  # type: ignore[attr-defined]
        yield running


@pytest.fixture
def start_app(app_factory: Callable[..., object]) -> Iterator[Callable[..., App]]:
    """Start another copy on fresh services of its own: `start_app(env=…, replicas=…, faults=…)`."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(app_factory(**options))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def postgres(app: App) -> Database:
    """The database of the shared app, with the administrator's eyes."""
    return app.postgres


@pytest.fixture(scope="session")
def redis(app: App) -> RedisDatabase:
    """The Redis of the shared app, with the administrator's eyes."""
    return app.redis


@pytest.fixture(scope="session")
def provision(context: Context) -> Callable[[str], AbstractContextManager[Any]]:
    """Give a fresh share of a service without an app: `with provision("postgres") as database`."""

    def fresh(service: str) -> AbstractContextManager[Any]:
        servers = context.stand.servers
        if service not in servers:
            hint = did_you_mean(service, list(servers))
            raise LabError(
                f"This lab has no service {service!r}{hint}.",
                "Name it in lab.toml under [lab] services.",
            )
        return servers[service].provision()

    return fresh


@pytest.fixture(scope="session")
def listen(context: Context) -> Iterator[Callable[..., Listener]]:
    """Play a server that the submission asks: `listen(lambda asked: Reply(200, b"hello"))`."""
    stand = context.stand
    with ExitStack() as stack:

        def start(answer: Callable[[Asked], Reply]) -> Listener:
            listener = Listener(stand.portal, stand.sandbox.network, answer)
            stack.callback(listener.close)
            return listener

        yield start


@pytest.fixture(scope="session")
def play_origin(context: Context) -> Iterator[Callable[..., Origin]]:
    """Play a slow server behind the submission: `play_origin(answer, width=8, delay_s=0.06)`."""
    stand = context.stand
    with ExitStack() as stack:

        def start(answer: Callable[[Asked], Reply], **options: Any) -> Origin:
            origin = Origin(stand.portal, stand.sandbox.network, answer, **options)
            stack.callback(origin.close)
            return origin

        yield start


@dataclass(frozen=True)
class Finished:
    """A program of the submission after its end; without `exit_code` its time was over."""

    exit_code: int | None
    output: str


@pytest.fixture(scope="session")
def run_program(context: Context) -> Callable[..., Finished]:
    """Run a program of the submission: `run_program(["python", "x.py"], timeout_s=…)`."""

    def run(
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> Finished:
        rules = context.manifest.submission
        settings = {**context.submission.file.env, **rules.env, **(env or {})}
        log = context.stand.folder / "program.log"
        with context.submission.place.start(command, settings, log, cwd=cwd) as program:
            code = program.exit_code(timeout_s)
        return Finished(code, "\n".join(program.log_tail(OUTPUT_LINES)))

    return run


@pytest.fixture(scope="session")
def submission_dir(context: Context) -> Path:
    """The submission as it was handed in; nothing its programs do changes it."""
    return context.submission.original


@pytest.fixture(scope="session")
def reference_dir(context: Context) -> Path | None:
    """The reference solution as it is in the lab; None in a copy for students, who lack it."""
    return context.reference().original if context.manifest.lab.reference else None


@pytest.fixture(scope="session")
def seed(context: Context) -> int:
    """The seed of everything random in this run."""
    return context.order.seed


@pytest.fixture
def rng(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """A random generator of this check's own, from the run's seed and the check's name."""
    return random.Random(f"{seed}:{request.node.name}")


@pytest.fixture(scope="session")
def record(context: Context) -> Callable[[str, float], None]:
    """Put a measured figure into the report: `record("bytes_per_link", 143.2)`."""

    def keep(name: str, value: float) -> None:
        context.findings.recorded[name] = float(value)

    return keep


@pytest.fixture(scope="session")
def load_env() -> Environ:
    """What variables an app under load is given besides the manifest's: asked once for each app.

    A lab overrides it in its checks/conftest.py, for example to give each an origin of its own.
    """
    return dict


@pytest.fixture(scope="session")
def prepare_load() -> Prepare:
    """What to do to an app before load: `prepare(app, size)`, for the locustfile's variables.

    A lab overrides it in its checks/conftest.py; `size` is one of the profile's sizes, or None.
    Submission and reference are prepared side by side, in threads.
    """
    return lambda _app, _size: {}


@pytest.fixture(scope="session")
def verify_load() -> Verify:
    """What must be true of an app after load: `verify(app, acknowledged)`, judged with `expect`.

    A lab overrides it in its checks/conftest.py; `acknowledged` is what tasks of the locustfile
    put into `context={"acknowledged": …}` of requests that were answered rightly, in that order.
    """
    return lambda _app, _acknowledged: None


@pytest.fixture(scope="session")
def load(
    context: Context, load_env: Environ, prepare_load: Prepare, verify_load: Verify
) -> Callable[[str], Loaded]:
    """Run a load profile of the manifest, once per session: `load("redirects")`."""
    finished: dict[str, Loaded | Exception] = {}

    def run(name: str) -> Loaded:
        profiles = context.manifest.load
        if name not in profiles:
            hint = did_you_mean(name, list(profiles))
            raise LabError(f"There is no load profile {name!r}{hint}.", "Correct the check.")
        if name not in finished:
            try:
                finished[name] = _run_profile(context, name, load_env, prepare_load, verify_load)
            except Exception as error:
                finished[name] = error
        result = finished[name]
        if isinstance(result, Exception):
            raise result
        return result

    return run


def _run_profile(
    context: Context, name: str, environ: Environ, prepare: Prepare, verify: Verify
) -> Loaded:
    if context.manifest.load[name].mode == "timed":
        loaded = run_timed(context, name, environ, prepare, verify)
    else:
        loaded = run_counted(context, name, environ, prepare)
    context.findings.loads.append(loaded.figures)
    context.findings.thresholds += loaded.thresholds
    return loaded
