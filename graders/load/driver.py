"""The load generator: a program that runs a lab's Locust users open-loop.

`python -m graders.load.driver SPEC RESULT`. Arrivals come from a seeded Poisson schedule, whatever
the service does; each goes at random to one of the targets, so all of them meet the same moments of
the machine. Users, tasks and clients are the lab's ordinary Locust code; their `wait_time` is not
used. Exit code 3: the locustfile is at fault.
"""

import contextlib
import gc
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import gevent.pool
import locust  # patches sockets on import, so it comes before whatever uses them
import numpy as np
from locust.env import Environment

from graders.load.begun import Begun, tell
from graders.load.cpu import CpuClock, cpu_ms
from graders.load.machine import Snapshot, family_of, foreign
from graders.load.plan import Kind, Phase, phases
from graders.load.recorder import Recorder
from graders.load.runner import LAB_FAULT, Orders
from graders.load.users import Crew, crews_for
from graders.samples import BLOCK_S, REFERENCE, Samples, save

LEAD_S = 0.02
CALM_CORES, CALM_SPAN_S, CALM_PATIENCE_S = 0.2, 0.05, 5.0


class Generator:
    """Sends every arrival of every phase at its time; never waits for an answer within a phase."""

    def __init__(self, orders: Orders, crews: list[Crew]) -> None:
        self.run, self.targets, self.crews = orders.run, orders.targets, crews
        self.grader_pid = orders.grader_pid
        self.phases = phases(self.run, len(self.targets))
        self.recorder = Recorder(self.phases)
        self.in_flight = gevent.pool.Group()
        self.picks = random.Random(self.run.seed)
        blocks = max(one.first_block + one.blocks for one in self.phases)
        self.cpu_ms = np.zeros((len(self.targets), blocks))
        self.own_s = self.measured_s = 0.0

    def offer(self) -> Samples:
        """Go through all phases and return what was measured."""
        before = Snapshot.take()
        gc.collect()
        gc.freeze()  # otherwise a collection of 30 ms is blamed on the service
        for number, phase in enumerate(self.phases):
            with self._undisturbed(phase):
                self._offer_phase(number, phase)
        self.in_flight.join(self.run.timeout_s + 1)
        others = foreign(before, Snapshot.take(), family_of(self.grader_pid))
        return self.recorder.samples(self.cpu_ms, self.own_s / self.measured_s, others)

    def _offer_phase(self, number: int, phase: Phase) -> None:
        picks = self._picked(len(phase.times_s))
        clocks = [CpuClock(target.process_ids) for target in self.targets]
        started_s, own_s = time.perf_counter() + LEAD_S, time.process_time()
        meter = gevent.spawn(self._measure_cpu, phase, started_s, clocks)
        self._tell_begun(phase, started_s)
        for index, intended_s in enumerate(phase.times_s):
            due_s = started_s + intended_s
            gevent.sleep(max(0.0, due_s - time.perf_counter()))  # also when late: answers wait
            arrival = self.recorder.number(number, index)
            self.recorder.sent(arrival, time.perf_counter() - due_s)
            self.in_flight.spawn(self._perform, arrival, phase.targets[index], *picks[index])
        gevent.sleep(max(0.0, started_s + phase.duration_s - time.perf_counter()))
        if phase.kind is Kind.MEASURED:
            self.own_s += time.process_time() - own_s
            self.measured_s += phase.duration_s
        if phase.drained:
            self.in_flight.join(self.run.timeout_s + 1)
        meter.join()

    def _tell_begun(self, phase: Phase, started_s: float) -> None:
        if self.run.told_to and phase.kind is Kind.MEASURED:
            at_s = time.monotonic() + started_s - time.perf_counter()
            targets = tuple(sorted(set(phase.targets.tolist())))
            first_s = phase.first_block * BLOCK_S
            tell(Path(self.run.told_to), Begun(at_s, first_s, phase.duration_s, targets))

    def _picked(self, count: int) -> list[tuple[Crew, Any]]:
        """Draw who performs what, for so many arrivals."""
        share = self.run.probe_share
        weights = [1 - share, share][: len(self.crews)]
        crews = self.picks.choices(self.crews, weights, k=count)
        return [(crew, self.picks.choice(crew.tasks)) for crew in crews]

    def _perform(self, arrival: int, target: int, crew: Crew, task: Any) -> None:
        """Run one task of one user, with a deadline over all of it."""
        pool = crew.pools[target]
        if crew.probes:
            self.recorder.probe(arrival)
        user = pool.take()
        if user is None:
            self.recorder.overflow(arrival)
            return
        gevent.getcurrent().arrival = arrival
        try:
            with gevent.Timeout(self.run.timeout_s):
                task(user)
            pool.give_back(user)
        except gevent.Timeout:
            pool.drop()  # its connection is in an unknown state
            self.recorder.timed_out(arrival)
        except locust.exception.StopUser:
            pool.drop()
        except Exception:
            self.recorder.broken_task(traceback.format_exc())

    def _measure_cpu(self, phase: Phase, started_s: float, clocks: list[CpuClock]) -> None:
        """Read the CPU clocks of the phase's targets at each block's border."""
        if phase.kind is not Kind.MEASURED:
            return
        targets = sorted(set(phase.targets.tolist()))
        borders_s = [started_s + block * BLOCK_S for block in range(phase.blocks + 1)]
        readings = []
        for border_s in borders_s:
            gevent.sleep(max(0.0, border_s - time.perf_counter()))
            if self.run.by_turns and border_s > started_s:
                self.in_flight.join(self.run.timeout_s + 1)  # late work is the slice's, too
            readings.append([clocks[one].read_ms() for one in targets])
        blocks = slice(phase.first_block, phase.first_block + phase.blocks)
        self.cpu_ms[targets, blocks] = np.diff(np.array(readings), axis=0).T

    @contextlib.contextmanager
    def _undisturbed(self, phase: Phase) -> Iterator[None]:
        """Stop the clock of everybody but the reference while it is measured by itself."""
        if len(self.targets) == 1 or set(phase.targets.tolist()) != {REFERENCE}:
            yield
            return
        others = [one for index, one in enumerate(self.targets) if index != REFERENCE]
        pids = [pid for one in others for pid in _family(one.process_ids)]
        _signal(pids, signal.SIGSTOP)
        try:
            self._wait_until_calm()
            yield
        finally:
            _signal(pids, signal.SIGCONT)

    def _wait_until_calm(self) -> None:
        """Wait for the services to end what the frozen submission has asked of them."""
        grade, deadline_s = family_of(self.grader_pid), time.monotonic() + CALM_PATIENCE_S
        pids = sorted(grade - family_of(os.getpid()))
        used_ms = CALM_CORES * CALM_SPAN_S * 1000
        while used_ms >= CALM_CORES * CALM_SPAN_S * 1000 and time.monotonic() < deadline_s:
            before_ms = cpu_ms(pids)
            gevent.sleep(CALM_SPAN_S)
            used_ms = cpu_ms(pids) - before_ms


def _family(pids: tuple[int, ...]) -> list[int]:
    return sorted({one for pid in pids for one in family_of(pid)})


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def generator_for(orders: Orders, environment: Environment) -> Generator:
    """Return a generator that is ready to offer; what the locustfile raises comes out."""
    generator = Generator(orders, crews_for(orders, environment))
    environment.events.request.add_listener(  # type: ignore[no-untyped-call]
        generator.recorder.on_request
    )
    return generator


def main() -> None:
    """Offer the load described in the file SPEC, write samples to RESULT."""
    orders = Orders.from_json(Path(sys.argv[1]).read_text())
    try:
        generator = generator_for(orders, Environment(events=locust.events))
    except Exception:
        traceback.print_exc()
        sys.exit(LAB_FAULT)
    samples = generator.offer()
    if generator.recorder.task_error:
        sys.stderr.write(generator.recorder.task_error)
        sys.exit(LAB_FAULT)
    save(Path(sys.argv[2]), samples)


if __name__ == "__main__":
    main()
