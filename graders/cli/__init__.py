"""The `lab` command: arguments, one call, exit code. The only place that prints."""

from graders.cli import (
    grading,
    instructing,
    interviewing,
    learning,
    loading,
    receiving,
    remembering,
    submitting,
)
from graders.cli.base import main

__all__ = [
    "grading",
    "instructing",
    "interviewing",
    "learning",
    "loading",
    "main",
    "receiving",
    "remembering",
    "submitting",
]
