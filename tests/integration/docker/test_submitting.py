"""Handed in at one level of the sandbox, and graded again in containers: the same verdict."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graders.bundles.container import unpacked
from graders.errors import MachineError
from graders.sandbox.probes import probe

pytestmark = [pytest.mark.usefixtures("docker_allowed"), pytest.mark.timeout(300)]
LAB = "served"


@pytest.fixture
def level(sandbox_cache: Path) -> str:
    """The level a learner would have here."""
    try:
        probe("bwrap", sandbox_cache)
    except MachineError:
        return "process"
    return "bwrap"


def test_what_was_handed_in_is_the_same_in_containers(
    kit: Any,
    docker_env: dict[str, str],
    left: Callable[[], list[str]],
    level: str,
    tmp_path: Path,
) -> None:
    env = {**docker_env, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    handed_in, again = tmp_path / "handed_in.bundle", tmp_path / "again.bundle"
    source = ("--from", f"labs/{LAB}/solutions/two", "--seed", 5)
    done = kit.lab("submit", LAB, *source, "--sandbox", level, "--out", handed_in, **env)
    assert done.code == 0, done.output
    done = kit.lab("regrade", handed_in, "--sandbox", "docker", "--out", again, **env)
    assert done.code == 0, done.output
    assert "The same:" in done.output
    assert f"! sandbox level was {level} and is docker here" in done.output
    manifest = json.loads(unpacked(again.read_bytes())["manifest.json"].content)
    assert manifest["sandbox"] == "docker"
    verified = kit.lab("verify", again, **env)
    assert (verified.code, "sandbox level docker" in verified.output) == (0, True)
    assert left() == []


def test_work_can_be_handed_in_as_graded_in_containers(
    kit: Any, docker_env: dict[str, str], tmp_path: Path
) -> None:
    env = {**docker_env, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    path = tmp_path / "handed_in.bundle"
    source = ("--from", f"labs/{LAB}/mutants/one")
    done = kit.lab("submit", LAB, *source, "--sandbox", "docker", "--out", path, **env)
    assert done.code == 1, done.output
    verified = kit.lab("verify", path, **env)
    assert (verified.code, "sandbox level docker" in verified.output) == (0, True)
    assert "failed, " in verified.output
