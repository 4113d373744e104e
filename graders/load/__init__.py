"""Load runs: Locust in a process of its own, driven open-loop."""

from graders.load.runner import (
    LoadRun,
    Target,
    Workers,
    offer,
    offer_with_workers,
    wait_until_quiet,
    worker_command,
)

__all__ = [
    "LoadRun",
    "Target",
    "Workers",
    "offer",
    "offer_with_workers",
    "wait_until_quiet",
    "worker_command",
]
