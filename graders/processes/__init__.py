"""Processes that can't outlive the grader, and the folder they live in."""

from graders.processes.folder import disk_error, run_folder
from graders.processes.ports import free_port
from graders.processes.supervised import Supervised

__all__ = ["Supervised", "disk_error", "free_port", "run_folder"]
