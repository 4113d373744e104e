"""The load generator: a program that runs a lab's Locust users open-loop.

`python -m graders.load.driver SPEC RESULT`. Arrivals come from a seeded Poisson schedule, whatever
the service does; each goes at random to one of the targets, so all of them meet the same moments of
the machine. Users, tasks and clients are the lab's ordinary Locust code; their `wait_time` is not
used. Exit code 3: the locustfile is at fault.
"""

import contextlib
import gc
import importlib.util
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

from graders.load.cpu import cpu_ms
from graders.load.machine import Snapshot, family_of, foreign
from graders.load.plan import Kind, Phase, phases
from graders.load.recorder import Recorder
from graders.load.runner import LAB_FAULT, LoadRun, Orders, Target
from graders.samples import BLOCK_S, REFERENCE, Samples, save

PREPARED_USERS = 16
LEAD_S = 0.02


class UserPool:
    """Locust users of one target: taken for one task, given back, made when there are too few."""

    def __init__(
        self, users: list[type[locust.User]], environment: Environment, limit: int
    ) -> None:
        self._classes = users
        self._environment = environment
        self._free: list[locust.User] = []
        self._made = self._dropped = 0
        self._limit = limit
        for user in [self.take() for _ in range(PREPARED_USERS)]:
            self.give_back(user)

    def take(self) -> Any:
        """Return a free user, a new one, or None when too many requests are in flight."""
        if self._free:
            return self._free.pop()
        if self._made - self._dropped >= self._limit:
            return None
        user = self._classes[self._made % len(self._classes)](self._environment)
        self._made += 1
        user.on_start()
        return user

    def give_back(self, user: locust.User) -> None:
        """Make a user available to the next arrival."""
        self._free.append(user)

    def drop(self) -> None:
        """Make room for a new user in the place of one that is not given back."""
        self._dropped += 1


def user_class(run: LoadRun) -> type[locust.User]:
    """Import the locustfile and return the user the profile names."""
    spec = importlib.util.spec_from_file_location("locustfile", run.locustfile)
    if not spec or not spec.loader:
        raise ImportError(f"{run.locustfile} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules["locustfile"] = module
    spec.loader.exec_module(module)
    found: type[locust.User] = getattr(module, run.user)
    if not found.tasks or not all(callable(task) for task in found.tasks):
        raise TypeError(f"{run.user} has no plain @task functions")
    return found


def bound_to(user: type[locust.User], target: Target, timeout_s: float) -> list[type[locust.User]]:
    """Return the user once per replica, with the host and the time limits of a load run."""
    limits = {"connection_timeout": timeout_s, "network_timeout": timeout_s, "max_retries": 0}
    return [type(user.__name__, (user,), {**limits, "host": url}) for url in target.base_urls]


class Generator:
    """Sends every arrival of every phase at its time; never waits for an answer within a phase."""

    def __init__(self, orders: Orders, tasks: list[Any], pools: list[UserPool]) -> None:
        self.run, self.targets, self.grader_pid = orders.run, orders.targets, orders.grader_pid
        self.tasks, self.pools = tasks, pools
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
            with self.frozen(phase):
                self._offer_phase(number, phase)
        self.in_flight.join(self.run.timeout_s + 1)
        others = foreign(before, Snapshot.take(), family_of(self.grader_pid))
        return self.recorder.samples(self.cpu_ms, self.own_s / self.measured_s, others)

    def _offer_phase(self, number: int, phase: Phase) -> None:
        started_s, own_s = time.perf_counter() + LEAD_S, time.process_time()
        meter = gevent.spawn(self._measure_cpu, phase, started_s)
        picks = self.picks.choices(self.tasks, k=len(phase.times_s))
        for index, intended_s in enumerate(phase.times_s):
            due_s = started_s + intended_s
            gevent.sleep(max(0.0, due_s - time.perf_counter()))  # also when late: answers wait
            arrival = self.recorder.number(number, index)
            self.recorder.sent(arrival, time.perf_counter() - due_s)
            self.in_flight.spawn(self._perform, arrival, phase.targets[index], picks[index])
        gevent.sleep(max(0.0, started_s + phase.duration_s - time.perf_counter()))
        if phase.kind is Kind.MEASURED:
            self.own_s += time.process_time() - own_s
            self.measured_s += phase.duration_s
        if phase.drained:
            self.in_flight.join(self.run.timeout_s + 1)
        meter.join()

    def _perform(self, arrival: int, target: int, task: Any) -> None:
        """Run one task of one user, with a deadline over all of it."""
        pool = self.pools[target]
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

    def _measure_cpu(self, phase: Phase, started_s: float) -> None:
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
            readings.append([cpu_ms(self.targets[one].process_ids) for one in targets])
        blocks = slice(phase.first_block, phase.first_block + phase.blocks)
        self.cpu_ms[targets, blocks] = np.diff(np.array(readings), axis=0).T

    @contextlib.contextmanager
    def frozen(self, phase: Phase) -> Iterator[None]:
        """Stop the clock of everybody but the reference while it is measured alone."""
        others = [one for index, one in enumerate(self.targets) if index != REFERENCE]
        pids = [pid for one in others for pid in one.process_ids] * (phase.kind is Kind.ALONE)
        _signal(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(pids, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def chosen_tasks(user: type[locust.User], name: str) -> list[Any]:
    """Return the user's tasks, each as often as it weighs; only the one with this name, if any."""
    tasks = [task for task in user.tasks if name in ("", getattr(task, "__name__", None))]
    if not tasks:
        raise ValueError(f"{user.__name__} has no task {name!r}")
    return tasks


def generator_for(orders: Orders, environment: Environment) -> Generator:
    """Return a generator that is ready to offer; what the locustfile raises comes out."""
    run, user = orders.run, user_class(orders.run)
    tasks = chosen_tasks(user, run.task)
    pools = [
        UserPool(bound_to(user, target, run.timeout_s), environment, run.max_in_flight)
        for target in orders.targets
    ]
    generator = Generator(orders, tasks, pools)
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
