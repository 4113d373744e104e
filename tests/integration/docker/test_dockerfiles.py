"""Submissions that bring a Dockerfile: built without a network, within limits, and run in it."""

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graders.containers.base_image import base_image
from graders.containers.build import BuildLimits, build_image
from graders.containers.engine import Engine
from graders.containers.images import image_name
from graders.containers.run import DockerRun, docker_run
from graders.errors import SubmissionError
from graders.processes import run_folder
from tests.integration.conftest import LABS

pytestmark = pytest.mark.usefixtures("docker_allowed")
LIMITS = BuildLimits(timeout_s=60, memory_bytes=256 << 20, processes=64, disk_bytes=64 << 20)


@pytest.fixture
def run(engine: Engine) -> Iterator[DockerRun]:
    with docker_run() as opened:
        yield opened


@pytest.fixture
def build(run: DockerRun, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Build a Dockerfile that starts from Python's image; its name."""
    with run_folder() as folder:

        def build_it(instructions: str, **limits: Any) -> str:
            text = f"FROM {image_name('python')}\n{instructions}\n"
            (tmp_path / "Dockerfile").write_text(text)
            allowed = dataclasses.replace(LIMITS, **limits)
            return build_image(run, tmp_path, folder / "image.log", allowed)

        yield build_it


def test_an_image_has_what_its_dockerfile_says(
    build: Callable[..., str], run: DockerRun, tmp_path: Path
) -> None:
    (tmp_path / "word").write_text("hello")
    image = build(
        'ENV GREETING=yes\nCOPY word /word\nRUN cat /word > /copied\nCMD ["cat", "/copied"]'
    )
    assert run.engine.output_of(image) == "hello"
    assert run.engine.environment(image)["GREETING"] == "yes"


def test_nothing_of_it_is_left_after_the_run(engine: Engine, tmp_path: Path) -> None:
    def images() -> set[str]:
        return {one.id for one in engine.client.images.list(all=True)}

    before = images()
    (tmp_path / "Dockerfile").write_text(f"FROM {image_name('python')}\nRUN true\nRUN echo\n")
    with run_folder() as folder, docker_run() as run:
        build_image(run, tmp_path, folder / "image.log", LIMITS)
        assert images() > before
    assert images() == before


def test_a_step_has_no_network(build: Callable[..., str]) -> None:
    code = "import socket; print('found', [name for _, name in socket.if_nameindex()])"
    with pytest.raises(SubmissionError) as failure:
        build(f'RUN python3 -c "{code}" && false')
    assert "found ['lo']" in "\n".join(failure.value.log)


def test_a_step_that_fails_is_shown_with_what_it_said(build: Callable[..., str]) -> None:
    with pytest.raises(SubmissionError, match="could not be built: exit code") as failure:
        build("RUN echo not today && exit 3")
    assert "not today" in "\n".join(failure.value.log)


def test_a_step_without_end_is_ended(build: Callable[..., str], engine: Engine) -> None:
    with pytest.raises(SubmissionError, match="it took over 3 s"):
        build("RUN sleep 600", timeout_s=3)
    deadline_s = time.monotonic() + 20
    while engine.client.containers.list():
        assert time.monotonic() < deadline_s, "the step goes on"
        time.sleep(0.1)


def test_a_step_that_fills_the_disk_is_ended(build: Callable[..., str]) -> None:
    with pytest.raises(SubmissionError, match=r"it wrote \d+ MiB, 64 MiB are allowed"):
        build("RUN dd if=/dev/zero of=/big bs=1M count=512 status=none && sleep 60")


def test_many_small_steps_fill_no_more_than_one(build: Callable[..., str]) -> None:
    step = "RUN dd if=/dev/urandom of=/big{n} bs=1M count=24 status=none && sleep 1.2\n"
    with pytest.raises(SubmissionError, match=r"it wrote \d+ MiB, 64 MiB are allowed"):
        build("".join(step.format(n=n) for n in range(8)))


def test_a_step_can_not_take_more_memory_than_is_allowed(build: Callable[..., str]) -> None:
    with pytest.raises(SubmissionError, match="exit code"):
        build("RUN python3 -c \"kept = b'x' * (1 << 30)\"")


def test_a_step_can_not_flood_the_machine_with_processes(build: Callable[..., str]) -> None:
    code = (
        "import os, time\\n"
        "time.sleep(1)\\n"  # the limit comes a moment after the step
        "count = 0\\n"
        "try:\\n"
        "    while count < 500:\\n"
        "        if os.fork() == 0: time.sleep(60)\\n"
        "        count += 1\\n"
        "except OSError: print('after', count, flush=True)\\n"
        "os._exit(1)\\n"
    )
    with pytest.raises(SubmissionError) as failure:
        build(f'RUN printf "{code}" > /flood.py && python3 /flood.py')
    [line] = [one for one in failure.value.log if one.startswith("after")]
    assert int(line.split()[1]) < LIMITS.processes


def test_a_grade_runs_in_the_image_that_the_submission_brings(
    kit: Any, engine: Engine, sandbox_cache: Path
) -> None:
    source = kit.folder / "labs/service/solutions/own_image"
    shutil.copytree(LABS / "service/solutions/cached", source)
    base = base_image(engine, sandbox_cache)
    (source / "Dockerfile").write_text(f"FROM {base}\nRUN echo own > /own\n")
    start = 'start = ["sh", "-c", "test -e /own && exec python app.py"]\n'
    (source / "submission.toml").write_text(start)
    done = kit.grade("service", "solutions/own_image", "--no-load", "--sandbox", "docker")
    assert done.code == 0, done.output
