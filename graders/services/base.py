"""What every service is to the rest of the kit, wherever it runs."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from graders.sandbox import Network


class Resource(Protocol):
    """A submission's own share of a service: a database with its role, a Redis with its user."""

    variable: str
    host: str
    port: int
    network: Network
    """Where `host` and `port` are."""

    def url(self, host: str, port: int) -> str:
        """Return the submission's address of this resource through `host:port`, maybe a proxy."""
        ...


class Server(Protocol):
    """A service of one grade."""

    description: str

    def provision(self) -> AbstractContextManager[Any]:
        """Give a fresh, empty (or seeded) Resource that is removed on leaving."""
        ...

    def require_within_limits(self) -> None:
        """Raise SubmissionError when a submission made it take too much, where it knows."""
        ...
