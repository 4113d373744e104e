"""A command in a container, under the same guard as every other command."""

import contextlib
import os
from pathlib import Path
from typing import Any

from graders.containers.engine import Engine
from graders.containers.reaper import ENGINE_ERRORS
from graders.processes import Supervised
from graders.processes.guard import descendants

POLL_S = 0.01


class Contained(Supervised):
    """A container that was created, started with the guard attached to its output.

    The guard holds the engine's client and caps the log; signals go to the container itself, with
    all that runs in it. It is removed in the end.
    """

    def __init__(self, engine: Engine, container: Any, log: Path, grace_s: float) -> None:
        self._container, self._first = container, 0
        self._ran_out_of_memory = False
        command = ["docker", "--config", str(log.parent), "--host", engine.url]
        env = {"PATH": os.environ.get("PATH", os.defpath)}
        attached = [*command, "start", "--attach", container.name]
        super().__init__(attached, env=env, cwd=log.parent, log=log, grace_s=grace_s)
        while not self._first and self.exit_code(POLL_S) is None:
            self._look_for_first()

    def _look_for_first(self) -> None:
        with contextlib.suppress(*ENGINE_ERRORS):  # it has ended
            self._container.reload()
            self._first = int(self._container.attrs["State"]["Pid"])

    def pause(self) -> None:
        """Freeze everything in the container."""
        with contextlib.suppress(*ENGINE_ERRORS):  # it has ended
            self._container.pause()

    def resume(self) -> None:
        """Let it go on."""
        with contextlib.suppress(*ENGINE_ERRORS):  # it has ended, or was not paused
            self._container.unpause()

    def kill(self) -> None:
        """SIGKILL everything in the container and wait until it is gone."""
        self.resume()  # who is frozen does not die
        with contextlib.suppress(*ENGINE_ERRORS):
            self._container.kill()
        super().kill()

    def stop(self) -> None:
        """End the command politely, then all by force, and remove the container."""
        self.resume()
        with contextlib.suppress(*ENGINE_ERRORS):  # it has ended
            self._container.kill(signal="SIGTERM")
        if self.exit_code(self.grace_s) is None:
            with contextlib.suppress(*ENGINE_ERRORS):
                self._container.kill()
        super().stop()
        with contextlib.suppress(*ENGINE_ERRORS):  # removed before
            self.ran_out_of_memory()
            self._container.remove(force=True, v=True)

    def ran_out_of_memory(self) -> bool:
        """Say if the kernel ended something in it, because it held all that is allowed."""
        with contextlib.suppress(*ENGINE_ERRORS):  # removed; it was asked before
            self._container.reload()
            self._ran_out_of_memory = bool(self._container.attrs["State"]["OOMKilled"])
        return self._ran_out_of_memory

    def process_ids(self) -> list[int]:
        """Every process in the container, as this machine numbers them."""
        return [self._first, *descendants(self._first)] if self._first else []
