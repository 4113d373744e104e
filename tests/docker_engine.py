"""A real Docker engine with images for all that the kit runs in containers; else tests skip."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.containers.engine import open_engine
from graders.containers.images import image_name

ROOT = Path(__file__).parents[1]
STAND_INS = {
    "LAB_POSTGRES_IMAGE": "lab/postgres:debian",
    "LAB_REDIS_IMAGE": "lab/redis:debian",
    "LAB_PYTHON_IMAGE": "lab/python:debian",
}
SHARED = ("DOCKER_HOST", *STAND_INS)


def docker_settings() -> dict[str, str]:
    """Return what a command line needs in its environment to find the engine and its images."""
    return {name: os.environ[name] for name in SHARED if name in os.environ}


@pytest.fixture(scope="session")
def engine_runs() -> Iterator[None]:
    """Use the engine that answers, or start one that ends with this process, however it ends."""
    say_where = 'echo "${DOCKER_HOST-}"; cat'
    with subprocess.Popen(
        [ROOT / "docker/engine.sh", "run", "sh", "-c", say_where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout
        assert running.stderr
        said = running.stdout.readline()
        if not said:
            pytest.skip(f"no Docker engine here: {running.stderr.read().strip()}")
        with pytest.MonkeyPatch.context() as patch:
            if said.strip():
                patch.setenv("DOCKER_HOST", said.strip())
            yield
        running.communicate()


@pytest.fixture(scope="session")
def images(engine_runs: None) -> Iterator[None]:
    """Have images for all: those that are there, or stand-ins that are packed already."""
    with pytest.MonkeyPatch.context() as patch:
        engine = open_engine()
        if not all(engine.has_image(image_name(one)) for one in ("postgres", "redis", "python")):
            home = Path(os.environ.get("LAB_HOME", ROOT / ".lab"))
            there = all(engine.has_image(image) for image in STAND_INS.values())
            if not there and not (home / "cache/images/debian.tar").exists():
                pytest.skip("the Docker engine has no images: run docker/stand_ins.sh")
            subprocess.run([ROOT / "docker/stand_ins.sh"], check=True, capture_output=True)
            for variable, image in STAND_INS.items():
                patch.setenv(variable, image)
        yield
