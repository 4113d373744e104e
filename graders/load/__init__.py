"""Load runs: Locust in a process of its own, driven open-loop."""

from graders.load.begun import Begun, heard, tell
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
    "Begun",
    "LoadRun",
    "Target",
    "Workers",
    "heard",
    "offer",
    "offer_with_workers",
    "tell",
    "wait_until_quiet",
    "worker_command",
]
