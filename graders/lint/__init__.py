"""What can be known about a lab without running it: every problem in one pass, with its place."""

from graders.lint.problem import Problem
from graders.lint.run import lint

__all__ = ["Problem", "lint"]
