"""Tests run on two cores side by side, but for those that need the machine or its Docker engine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MACHINE, DOOR = Path(__file__), Path(__file__).parent  # locked, not read


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each module to one worker, for what its tests share; and to one all that uses Docker.

    Those tests look at everything that is on the engine.
    """
    for item in items:
        assert isinstance(item, pytest.Function)
        group = "docker" if _uses_docker(item) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def _uses_docker(item: pytest.Function) -> bool:
    levels = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "docker" in levels or "images" in item.fixturenames


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
