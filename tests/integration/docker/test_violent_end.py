"""A grader that is killed at level docker leaves nothing on the engine."""

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from graders.containers.engine import Engine
from graders.containers.reaper import RUN

PATIENCE_S = 60.0
pytestmark = pytest.mark.usefixtures("docker_allowed")


def wait_until(condition: Callable[[], Any], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited for {what}"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_containers_volumes_and_images_go_with_the_grader(
    engine: Engine, left: Callable[[], list[str]], kit: Any, number: signal.Signals
) -> None:
    def commands() -> list[Any]:
        running = engine.client.containers.list(filters={"label": RUN})
        return [one for one in running if "-command-" in one.name]

    options = ("--from", "labs/service/solutions/cached", "--sandbox", "docker", "--no-load")
    with kit.start("grade", "service", *options) as grader:
        wait_until(commands, "the submission to run")
        grader.send_signal(number)
        grader.communicate()
    wait_until(lambda: not left(), "the end of all that was on the engine")
