"""Running a load profile for one grade, once, and keeping what it showed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graders.checks.context import Context
from graders.load import LoadRun, Target, offer
from graders.manifest import LoadProfile
from graders.model import Feedback, LoadFigures, ThresholdResult
from graders.samples import Samples
from graders.stand import App

Environ = Callable[[], Mapping[str, str]]
Prepare = Callable[[App, int | None], Mapping[str, str]]
Verify = Callable[[App, Sequence[Any]], None]


@dataclass(frozen=True)
class Loaded:
    """A load profile after it ran: figures for the report, one result per threshold.

    `wrong` says what the submission answered or stored wrongly under load, if anything.
    """

    profile: LoadProfile
    figures: LoadFigures
    thresholds: tuple[ThresholdResult, ...]
    wrong: Feedback | None = None


def offer_load(
    context: Context, name: str, run: LoadRun, apps: list[App], env: Mapping[str, str]
) -> Samples:
    """Offer a run to running apps."""
    targets, join = [target_of(app) for app in apps], context.stand.sandbox.network.join
    return offer(run, targets, context.stand.folder, name, env, join)


def locustfile(context: Context) -> str:
    """Return the path of the lab's locustfile."""
    return str(context.order.lab.resolve() / "load" / "locustfile.py")


def target_of(app: App) -> Target:
    """Return where an app is reached, and the processes whose CPU time is its own."""
    processes = [replica for replicas in app.processes.values() for replica in replicas]
    return Target(
        base_urls=tuple(replica.base_url for replica in app.replicas),
        process_ids=tuple(pid for one in processes for pid in one.process.process_ids()),
    )
