"""The load generator against services whose behaviour is known."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from anyio.from_thread import BlockingPortal

from graders.load import LoadRun, Target, Workers, offer, offer_with_workers
from graders.load.plan import Kind, phases
from graders.manifest import LoadProfile
from graders.processes import run_folder
from graders.samples import OVERFLOW, TIMED_OUT, Samples
from graders.sandbox import HostNetwork
from graders.thresholds import invalid_reason

pytestmark = pytest.mark.alone

PERIOD_S, STALL_S = 1.5, 0.5
SICK_S, RECOVERED_S = 1.0, 3.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOCUSTFILE = """
import time
from locust import FastHttpUser, task

first_s = []

class ReadUser(FastHttpUser):
    @task
    def read(self):
        self.client.get("/", name="read")

class SickUser(FastHttpUser):
    @task
    def read(self):
        first_s.append(time.monotonic())
        if len(first_s) % 4 and time.monotonic() - first_s[0] < 1:
            time.sleep(60)  # stuck outside of any request
        self.client.get("/", name="read")

class BurningUser(FastHttpUser):
    @task
    def read(self):
        end_s = time.perf_counter() + 0.02
        while time.perf_counter() < end_s:
            pass
        self.client.get("/", name="read")
"""


Behaviour = Callable[[float, asyncio.StreamWriter], Awaitable[None]]


class Service:
    """A tiny HTTP service that counts its requests and does something before each answer."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.requests = 0
        self.first_s = math.inf

    async def open(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=500)
        self.port = server.sockets[0].getsockname()[1]
        self._server = server

    async def close(self) -> None:
        self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                self.first_s = min(self.first_s, time.monotonic())
                await self.behave(time.monotonic() - self.first_s, writer)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    @property
    def target(self) -> Target:
        return Target((f"http://127.0.0.1:{self.port}",), ())


async def answers_at_once(_since_first_s: float, _writer: asyncio.StreamWriter) -> None:
    return None


async def stalls(since_first_s: float, _writer: asyncio.StreamWriter) -> None:
    """Answer nothing in the first third of every period."""
    await asyncio.sleep(max(0.0, STALL_S - since_first_s % PERIOD_S))


async def hangs_at_first(since_first_s: float, _writer: asyncio.StreamWriter) -> None:
    if since_first_s < SICK_S:
        await asyncio.sleep(60)


async def drips_at_first(since_first_s: float, writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, so that no single read takes long."""
    if since_first_s < SICK_S:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with run_folder() as folder:
        (folder / "locustfile.py").write_text(LOCUSTFILE)
        yield folder


@pytest.fixture(scope="module")
def serve(portal: BlockingPortal) -> Iterator[Callable[[Behaviour], Service]]:
    opened: list[Service] = []

    def start(behave: Behaviour) -> Service:
        opened.append(Service(behave))
        portal.call(opened[-1].open)
        return opened[-1]

    yield start
    for service in opened:
        portal.call(service.close)


def a_run(place: Path, **changes: object) -> LoadRun:
    usual = {"user": "ReadUser", "rate_rps": 40, "duration_s": 3, "warmup_s": 0, "seed": 5}
    return LoadRun(str(place / "locustfile.py"), **{**usual, **changes})


@pytest.fixture(scope="module")
def mixed(
    place: Path, serve: Callable[[Behaviour], Service]
) -> tuple[LoadRun, Samples, Service, Service]:
    """One run at a service that stalls beside one that does not."""
    stalling, steady = serve(stalls), serve(answers_at_once)
    run = a_run(place)
    samples = offer(run, [stalling.target, steady.target], place, "mixed", {})
    return run, samples, stalling, steady


def from_intended_start_ms(samples: Samples, target: int, percent: float) -> float:
    ours = samples.target == target
    times_ms = (samples.late_ms + samples.latency_ms)[ours]
    return float(np.percentile(times_ms, percent))


def test_a_stall_shows_in_the_times_from_the_intended_start(
    mixed: tuple[LoadRun, Samples, Service, Service],
) -> None:
    _, samples, *_ = mixed
    hit = STALL_S / PERIOD_S
    true_p95_ms = 1000 * STALL_S * (1 - 0.05 / hit)
    assert from_intended_start_ms(samples, 0, 95) > 0.7 * true_p95_ms
    assert from_intended_start_ms(samples, 0, 95) > 2 * from_intended_start_ms(samples, 1, 50)


def test_what_is_offered_is_what_was_scheduled_and_what_arrived(
    mixed: tuple[LoadRun, Samples, Service, Service],
) -> None:
    run, samples, stalling, steady = mixed
    [measured] = [phase for phase in phases(run, 2) if phase.kind is Kind.MEASURED]
    assert samples.offered == tuple(np.bincount(measured.targets))
    assert samples.offered == (stalling.requests, steady.requests)
    assert len(samples.ok) == sum(samples.offered)
    assert samples.ok.all()


def test_each_of_two_targets_gets_about_half_at_random(
    mixed: tuple[LoadRun, Samples, Service, Service],
) -> None:
    run, samples, *_ = mixed
    total = sum(samples.offered)
    assert abs(samples.offered[0] - total / 2) < 4 * math.sqrt(total) / 2
    expected = 2 * run.rate_rps * run.duration_s
    assert abs(total - expected) < 4 * math.sqrt(expected)
    in_order = samples.target[np.argsort(samples.sent_s)]
    assert 0.3 < np.mean(in_order[1:] != in_order[:-1]) < 0.7


def test_time_outs_and_overflow_are_failures_until_the_service_recovers(
    place: Path, serve: Callable[[Behaviour], Service]
) -> None:
    targets = [serve(hangs_at_first).target, serve(drips_at_first).target]
    sick = {"user": "SickUser", "timeout_s": 0.5, "max_in_flight": 20}
    run = a_run(place, duration_s=4, rate_rps=60, **sick)
    samples = offer(run, targets, place, "sick", {})
    assert len(samples.ok) == sum(samples.offered)
    for target in (0, 1):
        classes, failed = samples.requests_by_class(target), ~samples.ok[samples.target == target]
        assert classes[OVERFLOW] >= 1
        assert classes[TIMED_OUT] >= 20
        assert failed.sum() > classes[OVERFLOW] + classes[TIMED_OUT]
        assert OVERFLOW in samples.errors[target]
    assert samples.ok[samples.sent_s > RECOVERED_S].all()


def test_two_workers_offer_what_one_would_and_no_sample_is_lost(
    place: Path, serve: Callable[[Behaviour], Service]
) -> None:
    service, run = serve(answers_at_once), a_run(place, rate_rps=80, duration_s=4)
    workers = Workers(2, HostNetwork().free_port())
    samples = offer_with_workers(run, [service.target], place, workers, {})
    assert samples.offered == (service.requests, *samples.offered[1:])
    assert len(samples.ok) == service.requests
    assert samples.ok.all()
    expected = run.rate_rps * run.duration_s
    assert abs(service.requests - expected) < 4 * math.sqrt(expected)
    gaps_s = np.diff(np.sort(samples.sent_s))
    assert gaps_s.std() == pytest.approx(gaps_s.mean(), rel=0.35)  # still a Poisson process


def test_a_generator_that_is_late_accuses_itself(
    place: Path, serve: Callable[[Behaviour], Service]
) -> None:
    service = serve(answers_at_once)
    run = a_run(place, user="BurningUser", rate_rps=35, duration_s=2)
    samples = offer(run, [service.target], place, "burning", {})
    assert samples.send_lag_p99_ms > 15
    assert np.percentile(samples.late_ms, 99) == pytest.approx(samples.send_lag_p99_ms)
    assert samples.generator_cores > 0
    reason = invalid_reason(samples, LoadProfile(user="BurningUser"))
    assert reason
    assert "late" in reason


def test_the_same_seed_offers_the_same_and_another_seed_something_else(place: Path) -> None:
    def schedule(seed: int) -> bytes:
        plan = phases(a_run(place, seed=seed, warmup_s=1, alone_s=1), 2)
        return b"".join(phase.times_s.tobytes() + phase.targets.tobytes() for phase in plan)

    assert schedule(1) == schedule(1)
    assert schedule(1) != schedule(2)
