"""The test stand: services, event loop, client and running submissions of one grade."""

from graders.stand.app import App
from graders.stand.link import Link
from graders.stand.replica import Replica
from graders.stand.stand import Stand, open_stand

__all__ = ["App", "Link", "Replica", "Stand", "open_stand"]
