"""The load generator: a program that runs a lab's Locust users open-loop.

`python -m graders.load.driver SPEC RESULT`. Arrivals come from a seeded Poisson schedule, whatever
the service does; each goes at random to one of the targets, so all of them meet the same moments of
the machine. Users, tasks and clients are the lab's ordinary Locust code; their `wait_time` is not
used. Exit code 3: the locustfile is at fault.
"""

import gc
import importlib.util
import json
import random
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import gevent
import locust  # patches sockets on import, so it comes before whatever uses them
import numpy as np
from locust.env import Environment

from graders.load.cpu import CpuMeter
from graders.load.recorder import Recorder
from graders.load.runner import LAB_FAULT, LoadRun, Target
from graders.samples import save

PREPARED_USERS = 16
FIRST_ARRIVAL_S = 0.2


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


def schedule(run: LoadRun) -> tuple[np.ndarray, np.ndarray]:
    """Return the arrivals' intended times in seconds, and the target of each."""
    generator = np.random.default_rng(run.seed)
    rate_rps = run.rate_rps * len(run.targets)
    span_s = run.warmup_s + run.duration_s
    gaps_s = generator.exponential(1 / rate_rps, int(rate_rps * span_s * 1.5) + 50)
    times_s = np.cumsum(gaps_s)
    times_s = times_s[times_s < span_s]
    return times_s, generator.integers(0, len(run.targets), len(times_s))


def perform(arrival: int, pool: UserPool, task: Any, recorder: Recorder, timeout_s: float) -> None:
    """Run one task of one user, with a deadline over all of it."""
    user = pool.take()
    if user is None:
        recorder.overflow(arrival)
        return
    gevent.getcurrent().arrival = arrival
    try:
        with gevent.Timeout(timeout_s):
            task(user)
        pool.give_back(user)
    except gevent.Timeout:
        recorder.timed_out(arrival)
        pool.drop()  # its connection is in an unknown state
    except locust.exception.StopUser:
        pool.drop()
    except Exception:
        recorder.broken_task(traceback.format_exc())


def dispatch(run: LoadRun, pools: list[UserPool], tasks: list[Any], recorder: Recorder) -> None:
    """Send every arrival at its time; never wait for an answer."""
    times_s, targets = schedule(run)
    picks = random.Random(run.seed).choices(tasks, k=len(times_s))
    recorder.begin(times_s, targets)
    gc.collect()
    gc.freeze()  # otherwise a collection of 30 ms is blamed on the service
    started_s = time.perf_counter() + FIRST_ARRIVAL_S
    meter = CpuMeter([target.process_ids for target in run.targets])
    measuring = gevent.spawn(meter.sample, started_s + run.warmup_s, run.duration_s)
    in_flight = []
    for arrival, intended_s in enumerate(times_s):
        wait_s = started_s + intended_s - time.perf_counter()
        gevent.sleep(max(0.0, wait_s))  # also when late: answers must be read
        recorder.sent(arrival, time.perf_counter() - started_s)
        in_flight.append(
            gevent.spawn(
                perform, arrival, pools[targets[arrival]], picks[arrival], recorder, run.timeout_s
            )
        )
    gevent.joinall(in_flight, timeout=run.timeout_s + 1)
    measuring.join()
    recorder.cpu_ms, recorder.generator_cores = meter.cpu_ms, meter.generator_cores


def main() -> None:
    """Offer the load described in the file SPEC, write samples to RESULT."""
    fields = json.loads(Path(sys.argv[1]).read_text())
    targets = tuple(
        Target(tuple(one["base_urls"]), tuple(one["process_ids"])) for one in fields.pop("targets")
    )
    run = LoadRun(**fields, targets=targets)
    environment = Environment(events=locust.events)
    recorder = Recorder(run.warmup_s, run.duration_s)
    try:
        user = user_class(run)
        pools = [
            UserPool(bound_to(user, target, run.timeout_s), environment, run.max_in_flight)
            for target in targets
        ]
    except Exception:
        traceback.print_exc()
        sys.exit(LAB_FAULT)
    environment.events.request.add_listener(recorder.on_request)  # type: ignore[no-untyped-call]
    dispatch(run, pools, list(user.tasks), recorder)
    if recorder.task_error:
        sys.stderr.write(recorder.task_error)
        sys.exit(LAB_FAULT)
    save(Path(sys.argv[2]), recorder.samples())


if __name__ == "__main__":
    main()
