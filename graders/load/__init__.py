"""Load runs: Locust in a process of its own, driven open-loop."""

from graders.load.runner import LoadRun, Target, offer

__all__ = ["LoadRun", "Target", "offer"]
