"""Real services for one grade: embedded, external or in containers, behind one interface."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from graders.sandbox import HostNetwork, Network
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

ServicesMode = Literal["embedded", "external", "docker"]

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
    machine = network if isinstance(network, HostNetwork) else HostNetwork()
    with ExitStack() as stack:
        if mode == "external" and names:
            yield _external(names, folder, seeds, machine, stack)
        elif mode == "docker" and names:
            yield _docker(names, folder, seeds, machine, stack)
        else:
            yield _embedded(names, folder, cache, seeds, network, stack)


def _embedded(
    names: Sequence[str],
    folder: Path,
    cache: Path,
    seeds: Sequence[Path],
    network: Network,
    stack: ExitStack,
) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    if "postgres" in names:
        servers["postgres"] = stack.enter_context(embedded_postgres(folder, cache, seeds, network))
    if "redis" in names:
        servers["redis"] = EmbeddedRedis(folder, network)
    return servers


def _external(
    names: Sequence[str], folder: Path, seeds: Sequence[Path], network: Network, stack: ExitStack
) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    janitor = stack.enter_context(external_janitor())
    if "postgres" in names:
        server = ExternalPostgres(required_url("DATABASE_URL"), janitor, network)
        if seeds:
            server.use_seed(seeds, folder / "seeding.log")
        servers["postgres"] = server
    if "redis" in names:
        servers["redis"] = ExternalRedis(required_url("REDIS_URL"), janitor, network)
    return servers


def _docker(
    names: Sequence[str], folder: Path, seeds: Sequence[Path], network: Network, stack: ExitStack
) -> dict[str, Server]:
    from graders.containers.run import docker_run
    from graders.services.docker_containers import ServiceContainers
    from graders.services.docker_postgres import docker_postgres  # slow to import, used by few
    from graders.services.docker_redis import DockerRedis

    servers: dict[str, Server] = {}
    containers = ServiceContainers(stack.enter_context(docker_run()))
    if "postgres" in names:
        servers["postgres"] = docker_postgres(containers, seeds, folder, network)
    if "redis" in names:
        servers["redis"] = DockerRedis(containers, network)
    return servers
