"""Tests run on two cores side by side, but for those that need the machine or its Docker engine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

MACHINE, DOOR = Path(__file__), Path(__file__).parent  # locked, not read


class ByModule(LoadScopeScheduling):
    """Gives each module to one worker, for what its tests share; and to one all that uses Docker.

    Those tests look at everything that is on the engine.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "docker" if "docker" in nodeid else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    """Take our scheduler, whatever `--dist` says."""
    return ByModule(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Hold a share of the machine while a test runs; all of it where it is marked `alone`.

    Who wants all of it keeps the door shut, so that no new test slips in. The time limit of a test
    begins behind both.
    """
    alone = item.get_closest_marker("alone")
    with _open(MACHINE) as machine:
        with _open(DOOR) as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        return (yield)


@contextmanager
def _open(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
