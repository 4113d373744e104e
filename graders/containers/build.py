"""The image of a submission that brings a Dockerfile: built without a network, within limits."""

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.containers.dockerfile import rewritten
from graders.containers.reaper import ENGINE_ERRORS
from graders.containers.run import DockerRun
from graders.errors import SubmissionError
from graders.processes import Supervised

LOOK_S, MEASURE_S = 0.05, 0.5


@dataclass(frozen=True)
class BuildLimits:
    """What the steps of a build may take: each of memory and processes, all together of disk."""

    timeout_s: float
    memory_bytes: int
    processes: int
    disk_bytes: int


def build_image(run: DockerRun, context: Path, log: Path, limits: BuildLimits) -> str:
    """Return the image that a folder's Dockerfile describes; it is gone with the run."""
    engine, tag = run.engine, run.next_name("image")
    dockerfile = log.with_suffix(".Dockerfile")
    dockerfile.write_text(
        rewritten(context / "Dockerfile", run.labels, engine.has_image), encoding="utf-8"
    )
    command = ["docker", "--config", str(log.parent), "--host", engine.url, "build"]
    command += ["--tag", tag, "--file", str(dockerfile), "--network", "none", "--force-rm"]
    command += ["--no-cache", "--memory", str(limits.memory_bytes)]
    command += ["--memory-swap", str(limits.memory_bytes), str(context)]
    env = {"PATH": os.environ.get("PATH", os.defpath), "DOCKER_BUILDKIT": "0"}
    watch = BuildWatch(run, limits)
    with (
        run.making(tag),
        Supervised(command, env=env, cwd=log.parent, log=log) as build,
    ):
        while (code := build.exit_code(LOOK_S)) is None and not watch.excess:
            watch.look()
    if code != 0:
        raise SubmissionError(
            f"The Dockerfile could not be built: {watch.excess or f'exit code {code}'}.",
            "Try it: docker build --network none .  Nothing can be fetched while it is built.",
            build.log_tail(),
        )
    return tag


class BuildWatch:
    """Looks at the containers of a build's steps, which the engine makes by itself."""

    def __init__(self, run: DockerRun, limits: BuildLimits) -> None:
        self.excess = ""
        self._run, self._limits = run, limits
        self._limited: set[str] = set()
        self._disk_bytes: dict[str, int] = {}
        self._started_s = self._measured_s = time.monotonic()

    def look(self) -> None:
        """Limit what is new, measure what is there."""
        now_s = time.monotonic()
        if now_s - self._started_s > self._limits.timeout_s:
            self.excess = f"it took over {self._limits.timeout_s:g} s"
        is_due = now_s - self._measured_s > MEASURE_S
        with contextlib.suppress(*ENGINE_ERRORS):  # a step that ends while it is looked at
            for step in self._steps(size=is_due):
                self._limit(step["Id"])
                self._disk_bytes[step["Id"]] = max(
                    step.get("SizeRw") or 0, self._disk_bytes.get(step["Id"], 0)
                )
        if is_due:
            self._measured_s = time.monotonic()
        used_bytes = sum(self._disk_bytes.values())
        if used_bytes > self._limits.disk_bytes:
            allowed = self._limits.disk_bytes >> 20
            self.excess = f"it wrote {used_bytes >> 20} MiB, {allowed} MiB are allowed"

    def _steps(self, *, size: bool) -> list[dict[str, Any]]:
        client = self._run.engine.client.api
        label = f"lab.run={self._run.name}"
        found: list[dict[str, Any]] = client.containers(size=size, filters={"label": label})
        return [one for one in found if not one["Names"][0].startswith(f"/{self._run.name}-")]

    def _limit(self, step: str) -> None:
        if step in self._limited:
            return
        self._limited.add(step)
        command = ["docker", "--host", self._run.engine.url, "update"]
        limit = str(self._limits.processes)
        subprocess.run([*command, "--pids-limit", limit, step], capture_output=True, timeout=30)
