"""Opening one run's sandbox at a level."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graders.sandbox.base import Level, OwnRoot, Sandbox
from graders.sandbox.bwrap import BwrapSandbox
from graders.sandbox.limits import LIMITS, Limits
from graders.sandbox.process import ProcessSandbox


@contextmanager
def open_sandbox(
    level: Level, folder: Path, cache: Path, limits: Limits = LIMITS
) -> Iterator[Sandbox]:
    """Open one run's sandbox in its temporary folder; it is gone on leaving.

    Images that the level needs are prepared in `cache`.
    """
    if level == "process":
        yield ProcessSandbox(folder)
        return
    if level == "bwrap":
        opened: OwnRoot = BwrapSandbox(folder, limits)
    else:
        from graders.sandbox.docker import DockerSandbox  # slow to import, used by few

        opened = DockerSandbox(folder, cache, limits)
    try:
        yield opened
    finally:
        opened.close()
