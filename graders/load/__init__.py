"""Load runs: Locust in a process of its own, driven open-loop."""

from graders.load.runner import LoadRun, Orders, Target, offer, wait_until_quiet

__all__ = ["LoadRun", "Orders", "Target", "offer", "wait_until_quiet"]
