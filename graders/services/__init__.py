"""Real services for one grade: embedded or external, behind one interface."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from graders.sandbox import Network
from graders.services.base import Resource, Server
from graders.services.embedded_postgres import embedded_postgres
from graders.services.external import (
    ExternalPostgres,
    ExternalRedis,
    external_janitor,
    required_url,
)
from graders.services.postgres import Database, Work
from graders.services.redis import EmbeddedRedis, RedisDatabase

ServicesMode = Literal["embedded", "external"]

__all__ = ["Database", "RedisDatabase", "Resource", "Server", "ServicesMode", "Work", "serve"]


@contextmanager
def serve(
    names: Sequence[str],
    mode: ServicesMode,
    folder: Path,
    cache: Path,
    seeds: Sequence[Path],
    network: Network,
) -> Iterator[dict[str, Server]]:
    """Start (or find) the named services; they are gone (or left clean) afterwards.

    What is started listens in `network`; what is there already, in the network of this machine.
    """
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        if mode == "external" and names:
            janitor = stack.enter_context(external_janitor())
            if "postgres" in names:
                server = ExternalPostgres(required_url("DATABASE_URL"), janitor)
                if seeds:
                    server.use_seed(seeds, folder / "seeding.log")
                servers["postgres"] = server
            if "redis" in names:
                servers["redis"] = ExternalRedis(required_url("REDIS_URL"), janitor)
        else:
            if "postgres" in names:
                started = embedded_postgres(folder, cache, seeds, network)
                servers["postgres"] = stack.enter_context(started)
            if "redis" in names:
                servers["redis"] = EmbeddedRedis(folder, network)
        yield servers
