"""What one grade has on a Docker engine: named, labelled, and gone with it."""

import itertools
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from graders.containers.engine import Engine, asking, open_engine
from graders.containers.reaper import GRADER, RUN, grader_label


class DockerRun:
    """An engine, and how things of one grade are named and labelled on it: RUN-KIND-NUMBER."""

    def __init__(self, engine: Engine, reaper: "Reaper", name: str) -> None:
        self.engine, self._reaper, self.name = engine, reaper, name
        self.labels = {RUN: name, GRADER: grader_label(os.getpid())}
        self._numbers = itertools.count(1)

    def next_name(self, kind: str) -> str:
        """Return a name that nothing else on the engine has."""
        return f"{self.name}-{kind}-{next(self._numbers)}"

    @contextmanager
    def making(self, name: str) -> Iterator[None]:
        """Ask the engine for something of this run; MachineError when it refuses."""
        self._reaper.say("expect", name)
        with asking(f"start {name}"):
            yield
        self._reaper.say("made", name)


class Reaper:
    """The process that removes everything of a run, also when we are killed."""

    def __init__(self, engine: Engine, run: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "graders.containers.reaper", run],
            env={**os.environ, "DOCKER_HOST": engine.url},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def say(self, word: str, name: str) -> None:
        """Announce what is asked of the engine, or that it is there."""
        assert self._process.stdin
        self._process.stdin.write(f"{word} {name}\n".encode())
        self._process.stdin.flush()

    def close(self) -> None:
        """Let it clean, and wait for it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def docker_run() -> Iterator[DockerRun]:
    """Open a run on the engine; everything it started is gone on leaving."""
    engine = open_engine()
    run = f"lab-{secrets.token_hex(6)}"
    reaper = Reaper(engine, run)
    try:
        yield DockerRun(engine, reaper, run)
    finally:
        reaper.close()
