"""Processes that can't outlive the grader, and the folder they live in."""

from graders.processes.folder import disk_error, made_whole, run_folder
from graders.processes.parent import die_with_parent
from graders.processes.supervised import Supervised

__all__ = ["Supervised", "die_with_parent", "disk_error", "made_whole", "run_folder"]
