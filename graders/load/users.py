"""A lab's Locust users, made ready to be driven: one crew per user class, one pool per target."""

import importlib.util
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import locust
from geventhttpclient.connectionpool import ConnectionPool
from locust.env import Environment

from graders.load.runner import LoadRun, Orders, Target

PREPARED_USERS = 16

# The client asks again when a service hangs up instead of answering, as often as its pool is large
# and once more. A grade must see the first attempt; dead idle connections are told apart before.
ConnectionPool.size = property(lambda _pool: -1, lambda _pool, _size: None)  # type: ignore


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


@dataclass(frozen=True)
class Crew:
    """The tasks of one user class, each as often as it weighs, and a pool of users per target."""

    tasks: list[Any]
    pools: list[UserPool]
    probes: bool = False


def crews_for(orders: Orders, environment: Environment) -> list[Crew]:
    """Return the users of a run and those that probe, if any; the locustfile's errors come out."""
    run, module = orders.run, _imported(orders.run)
    crews = [_crew(orders, getattr(module, run.user), run.task, environment, probes=False)]
    if run.probe_user:
        crews.append(_crew(orders, getattr(module, run.probe_user), "", environment, probes=True))
    return crews


def _imported(run: LoadRun) -> ModuleType:
    spec = importlib.util.spec_from_file_location("locustfile", run.locustfile)
    if not spec or not spec.loader:
        raise ImportError(f"{run.locustfile} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules["locustfile"] = module
    spec.loader.exec_module(module)
    return module


def _crew(
    orders: Orders, user: type[locust.User], task: str, environment: Environment, *, probes: bool
) -> Crew:
    run = orders.run
    pools = [
        UserPool(_bound_to(user, target, run.timeout_s), environment, run.max_in_flight)
        for target in orders.targets
    ]
    return Crew(_chosen_tasks(user, task), pools, probes)


def _bound_to(user: type[locust.User], target: Target, timeout_s: float) -> list[type[locust.User]]:
    """Return the user once per replica, with the host and the time limits of a load run."""
    limits = {"connection_timeout": timeout_s, "network_timeout": timeout_s, "max_retries": 0}
    return [type(user.__name__, (user,), {**limits, "host": url}) for url in target.base_urls]


def _chosen_tasks(user: type[locust.User], name: str) -> list[Any]:
    """Return the user's tasks, each as often as it weighs; only the one with this name, if any."""
    if not user.tasks or not all(callable(task) for task in user.tasks):
        raise TypeError(f"{user.__name__} has no plain @task functions")
    tasks = [task for task in user.tasks if name in ("", getattr(task, "__name__", None))]
    if not tasks:
        raise ValueError(f"{user.__name__} has no task {name!r}")
    return tasks
