"""What a lab's checks import: `requirement`, `expect` and the types of the fixtures."""

from graders.checks.expectations import expect, requirement
from graders.checks.fixtures import Finished
from graders.client import Answer, Call
from graders.errors import CheckFailed, Inconclusive
from graders.stand import App, Link, Replica

__all__ = [
    "Answer",
    "App",
    "Call",
    "CheckFailed",
    "Finished",
    "Inconclusive",
    "Link",
    "Replica",
    "expect",
    "requirement",
]
