"""The test stand: services, event loop, client and running submissions of one grade."""

from graders.stand.app import App
from graders.stand.link import Link
from graders.stand.listener import Asked, Listener, Reply
from graders.stand.origin import Hold, Origin, OriginCall
from graders.stand.replica import Replica
from graders.stand.stand import Stand, open_stand

__all__ = [
    "App",
    "Asked",
    "Hold",
    "Link",
    "Listener",
    "Origin",
    "OriginCall",
    "Replica",
    "Reply",
    "Stand",
    "open_stand",
]
