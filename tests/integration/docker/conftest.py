"""A real Docker engine, with images for both services; without one these tests are skipped."""

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from graders.containers.engine import Engine, open_engine
from graders.containers.reaper import RUN
from tests.docker_engine import ROOT, docker_settings


@pytest.fixture
def engine(images: None) -> Engine:
    """An engine that answers and has an image for each service."""
    return open_engine()


@pytest.fixture
def docker_env(engine: Engine) -> dict[str, str]:
    """What a command line needs to find the engine and its images."""
    return docker_settings()


@pytest.fixture
def left(engine: Engine) -> Callable[[], list[str]]:
    """List what grades have on the engine now: containers, networks, volumes."""
    client = engine.client
    volumes_before = {volume.id for volume in client.volumes.list()}

    def look() -> list[str]:
        only = {"label": RUN}
        containers = client.containers.list(all=True, filters=only, ignore_removed=True)
        things = [*containers, *client.networks.list(filters=only)]
        volumes = {volume.id for volume in client.volumes.list()} - volumes_before
        return [*(thing.name for thing in things), *volumes]

    return look


@pytest.fixture
def _nothing_left(left: Callable[[], list[str]]) -> Iterator[None]:
    yield
    assert left() == []


@pytest.fixture(scope="session")
def compose() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call make on the services that are kept: up, down, reset."""

    def call(target: str, answer: str = "", **env: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "--no-print-directory", "-C", ROOT, target],
            env={**os.environ, **env},
            input=answer,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return call


@pytest.fixture(scope="module")
def kept(
    images: None, compose: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The services of `make up`, running; the environment their commands need.

    Never where somebody has such services already: the end of this deletes their data.
    """
    client = open_engine().client
    project = {"label": "com.docker.compose.project=system-design-lab"}
    if client.volumes.list(filters=project) or client.containers.list(all=True, filters=project):
        pytest.skip("the services of `make up` are in use on this engine")
    home = tmp_path_factory.mktemp("home")
    env = {"LAB_HOME": str(home), "LAB_POSTGRES_PORT": "0", "LAB_REDIS_PORT": "0"}  # any free ones
    try:
        done = compose("up", **env)
        assert done.returncode == 0, done.stdout
        yield env
    finally:
        done = compose("reset", YES="1", **env)
    assert done.returncode == 0, done.stdout
    assert not client.volumes.list(filters=project)
    assert not client.containers.list(all=True, filters=project)
    assert not client.networks.list(filters=project)
