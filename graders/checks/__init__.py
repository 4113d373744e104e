"""What a lab's checks import: `requirement`, `expect` and the types of the fixtures."""

from graders.checks.expectations import expect, requirement
from graders.checks.fixtures import Finished
from graders.checks.timelines import Drawing
from graders.client import Answer, Call
from graders.errors import CheckFailed, Inconclusive
from graders.model import Tone
from graders.stand import App, Asked, Hold, Link, Listener, Origin, OriginCall, Replica, Reply

__all__ = [
    "Answer",
    "App",
    "Asked",
    "Call",
    "CheckFailed",
    "Drawing",
    "Finished",
    "Hold",
    "Inconclusive",
    "Link",
    "Listener",
    "Origin",
    "OriginCall",
    "Replica",
    "Reply",
    "Tone",
    "expect",
    "requirement",
]
