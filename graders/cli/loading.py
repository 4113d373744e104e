"""Commands that offer load for curiosity: capacity, load. They earn no points."""

import subprocess
import sys
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from graders import attempts, capacity, labs
from graders.attempts import Wishes
from graders.cli.base import LabName, Seed, Services, Source, app, out
from graders.load import Workers, worker_command
from graders.report.plans import figure
from graders.samples import SUBMISSION
from graders.sandbox import HostNetwork

MASTER_PORT = 5557

Profile = Annotated[str | None, typer.Option(help="a timed load profile [default: the first]")]


@app.command("capacity")
def show_capacity(
    lab: LabName,
    source: Source = None,
    profile: Profile = None,
    seed: Seed = None,
    services: Services = "embedded",
) -> None:
    """Find the knee: the rate at which your service stops keeping up. For curiosity, no points.

    Example: lab capacity url_shortener
    """
    order = attempts.order(Wishes(lab, source, seed=seed, services=services))

    def show(point: capacity.Point) -> None:
        times = f"p95 {figure(point.p95_ms)} ms, {point.completed:.1%} answered rightly"
        out.print(f"{point.rate_rps:6.0f} requests/s   {times}")

    found = capacity.capacity(order, profile, show)
    if found.breaks_rps is None:
        out.print(f"It held {found.holds_rps:.0f} requests/s, all that one generator offers.")
    else:
        out.print(
            f"The knee: {found.holds_rps:.0f} requests/s held, {found.breaks_rps:.0f} did not."
        )
    out.print("next: explain what it ran out of first; `knee_rps` of estimate.toml is this figure.")


@app.command("load")
def offer_load(
    lab: LabName,
    workers: Annotated[int, typer.Option(min=1, help="how many generators share the rate")] = 1,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="wait for workers on other machines")
    ] = False,
    master: Annotated[
        str | None, typer.Option(help="be a worker of the master on this host")
    ] = None,
    url: Annotated[str | None, typer.Option(help="load a service that runs already")] = None,
    source: Source = None,
    profile: Profile = None,
    port: Annotated[
        int | None,
        typer.Option(help=f"the master's port [default: {MASTER_PORT}, or any if all are here]"),
    ] = None,
    seed: Seed = None,
    services: Services = "embedded",
) -> None:
    """Offer a lab's load profile from several generators, on this machine or on several.

    Example: lab load url_shortener --workers 2
    """
    folder = labs.find_lab(lab)
    if master:
        locustfile = str((folder / "load" / "locustfile.py").resolve())
        command = worker_command(locustfile, master, port or MASTER_PORT)
        sys.exit(subprocess.run(command).returncode)
    unused = folder / "starter" if url else source  # an order names a submission in any case
    order = attempts.order(Wishes(lab, unused, seed=seed, services=services))
    at = port or (MASTER_PORT if elsewhere else HostNetwork().free_port())
    samples = capacity.load_with_workers(order, profile, url, Workers(workers, at, not elsewhere))
    times_ms = np.where(samples.ok, samples.latency_ms + samples.late_ms, np.inf)
    table = Table(box=None, header_style="dim")
    for name in ("workers", "offered", "answered rightly", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(name, justify="right")
    percentiles = np.percentile(times_ms, [50, 95, 99], method="inverted_cdf")
    table.add_row(
        str(workers),
        str(samples.offered[SUBMISSION]),
        str(int(samples.ok.sum())),
        *(figure(float(one)) for one in percentiles),
    )
    out.print(table)
    out.print("Times count from when each request was due. No points hang on this.")
