"""The `lab` command: arguments, one call, exit code. The only place that prints."""

from graders.cli import grading, instructing, learning
from graders.cli.base import main

__all__ = ["grading", "instructing", "learning", "main"]
