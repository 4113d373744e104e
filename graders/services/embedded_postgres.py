"""PostgreSQL started by the kit itself from a cached, seeded cluster."""

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from graders.processes import made_whole
from graders.sandbox import HostNetwork, Network
from graders.services.account import unprivileged
from graders.services.binaries import postgres_bin, version
from graders.services.cluster import initialise, serve_cluster
from graders.services.postgres import PostgresServer
from graders.services.roles import keep_strangers_out
from graders.services.seeding import seed, seed_key

CLUSTER_FORMAT = "4"  # part of the cache key: raise it when initialisation or seeding change
SEED_DATABASE = "lab_seed"
LITTLE_LOG = {"max_wal_size": "64MB", "min_wal_size": "32MB"}  # it would be copied each time


@contextmanager
def embedded_postgres(
    folder: Path, cache: Path, seed_files: Sequence[Path], network: Network
) -> Iterator[PostgresServer]:
    """Start a server in a network, on a copy of the lab's cluster, made once and cached."""
    template = _cached_cluster(folder, cache, seed_files)
    data = folder / "postgres"
    shutil.copytree(template, data)
    data.chmod(0o700)
    unprivileged().adopt(data)
    with serve_cluster(data, folder / "postgres.log", network) as server:
        if seed_files:
            server.template = SEED_DATABASE
        yield server


def _cached_cluster(folder: Path, cache: Path, seed_files: Sequence[Path]) -> Path:
    """Return the cached cluster; it is made in `folder`, whose path is short enough for sockets."""
    cache.mkdir(parents=True, exist_ok=True)
    server_version = version(postgres_bin() / "postgres")
    cluster = cache / f"postgres-{seed_key(seed_files, f'{CLUSTER_FORMAT} {server_version}')}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # freed by the kernel, also when we are killed
        if not cluster.exists():
            building, log = folder / "building", cache / "building.log"
            initialise(building)
            with serve_cluster(building, log, HostNetwork(), **LITTLE_LOG) as server:
                if seed_files:
                    seed(server, SEED_DATABASE, seed_files, cache / "seeding.log")
                keep_strangers_out(server.admin)
            with made_whole(cluster) as partial:
                shutil.copytree(building, partial)
            shutil.rmtree(building)
    return cluster
