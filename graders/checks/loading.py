"""Running a load profile for one grade, once, and keeping what it showed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.checks.context import Context
from graders.checks.faults import carried_out
from graders.load import LoadRun, Target, offer
from graders.manifest import Fault, LoadProfile
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
    context: Context,
    name: str,
    run: LoadRun,
    apps: list[App],
    env: Mapping[str, str],
    faults: Sequence[Fault] = (),
) -> Samples:
    """Offer a run to running apps, each of which meets the faults on links of its own."""
    targets, join = [target_of(app) for app in apps], context.stand.sandbox.network.join
    folder = context.stand.folder
    run = dataclasses.replace(run, told_to=str(folder / f"{name}.begun"))
    with carried_out(faults, apps, Path(run.told_to)) as happened:
        samples = offer(run, targets, folder, name, env, join)
    return dataclasses.replace(samples, faults=tuple(happened))


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
