"""Faults of a load profile: who meets them, when, and what is written down of them."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graders.checks.faults import carried_out
from graders.checks.timed import TURNS, Progress, next_run
from graders.load import Begun, heard, tell
from graders.manifest import Fault, LoadProfile
from graders.samples import REFERENCE, SUBMISSION

BOTH = (SUBMISSION, REFERENCE)
PATIENCE_S = 20.0


def fault(service: str = "redis", kind: str = "cut", **fields: Any) -> Fault:
    return Fault.model_validate({"service": service, "kind": kind, "for_s": 0.05, **fields})


class Ways:
    """An app whose links write down what was done to them."""

    def __init__(self, side: int, log: list[tuple[str, int, str]]) -> None:
        self.side, self.log = side, log

    def link(self, service: str) -> Any:
        self.service = service
        return self

    def cut(self) -> Any:
        return self._done(f"{self.service} cut")

    def black_hole(self) -> Any:
        return self._done(f"{self.service} black_hole")

    def delay(self, seconds: float) -> Any:
        return self._done(f"{self.service} delay {seconds}")

    @contextlib.contextmanager
    def _done(self, what: str) -> Iterator[None]:
        self.log.append(("broken", self.side, what))
        yield
        self.log.append(("healed", self.side, what))


@pytest.fixture
def log() -> list[tuple[str, int, str]]:
    return []


@pytest.fixture
def apps(log: list[tuple[str, int, str]]) -> Any:
    return [Ways(side, log) for side in BOTH]


def wait_for(log: list[Any], count: int) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while len(log) < count:
        assert time.monotonic() < deadline_s, log
        time.sleep(0.005)


def test_both_sides_of_a_mixed_run_meet_a_fault_and_are_healed(
    tmp_path: Path, apps: Any, log: list[Any]
) -> None:
    begun = tmp_path / "begun"
    with carried_out([fault(from_s=0.1)], apps, begun) as happened:
        tell(begun, Begun(time.monotonic(), 0.0, 2.0, BOTH))
        wait_for(log, 4)
    assert [one[:2] for one in log[:2]] == [("broken", SUBMISSION), ("broken", REFERENCE)]
    assert {one[0] for one in log[2:]} == {"healed"}
    [(start_s, end_s, what)] = happened
    assert what == "redis is cut off"
    assert 0.1 <= start_s < 0.15 <= end_s


def test_by_turns_each_side_meets_a_fault_in_its_own_seconds(
    tmp_path: Path, apps: Any, log: list[Any]
) -> None:
    begun = tmp_path / "begun"
    long = fault(kind="delay", delay_s=0.2, from_s=0.95, for_s=0.1)
    with carried_out([long], apps, begun) as happened:
        for count, (first_s, side) in enumerate([(0.0, 0), (0.0, 1), (1.0, 0), (1.0, 1)], 1):
            at_s = time.monotonic() - (0.9 if not first_s else 0.0)
            tell(begun, Begun(at_s, first_s, 1.0, (side,)))
            wait_for(log, 2 * count)
    assert [side for _, side, _ in log] == [0, 0, 1, 1, 0, 0, 1, 1]
    assert {what for *_, what in log} == {"redis delay 0.2"}
    assert [round(start_s) for start_s, _, _ in happened] == [1, 1]
    assert happened[0][0] < 1.0 <= happened[1][0]


def test_faults_of_two_services_may_be_there_together(
    tmp_path: Path, apps: Any, log: list[Any]
) -> None:
    begun = tmp_path / "begun"
    faults = [
        fault(kind="black_hole", from_s=0.05, for_s=60.0),
        fault("postgres", from_s=0.1, for_s=60.0),
    ]
    with carried_out(faults, apps, begun) as happened:
        tell(begun, Begun(time.monotonic(), 0.0, 90.0, BOTH))
        wait_for(log, 4)
        assert {what for _, _, what in log} == {"redis black_hole", "postgres cut"}
        assert {kind for kind, _, _ in log} == {"broken"}
    assert len(log) == 8  # the load ended early: nothing stays broken
    assert len(happened) == 2


def test_a_load_that_fails_leaves_nothing_broken_and_no_thread(
    tmp_path: Path, apps: Any, log: list[Any]
) -> None:
    begun, before = tmp_path / "begun", threading.active_count()

    def fail() -> None:
        with carried_out([fault(from_s=0.0, for_s=60.0)], apps, begun):
            tell(begun, Begun(time.monotonic(), 0.0, 90.0, BOTH))
            wait_for(log, 2)
            raise RuntimeError("locustfile")

    with pytest.raises(RuntimeError, match="locustfile"):
        fail()
    assert [kind for kind, _, _ in log[2:]] == ["healed", "healed"]
    assert threading.active_count() == before


def test_a_line_half_written_is_not_heard_yet(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    assert heard(begun) == []
    tell(begun, Begun(1.0, 0.0, 2.0, BOTH))
    with begun.open("a") as file:
        file.write('{"at_s": 3.0')
    assert heard(begun) == [Begun(1.0, 0.0, 2.0, BOTH)]


def test_by_turns_a_profile_with_faults_keeps_its_length() -> None:
    without = LoadProfile(user="PageUser", duration_s=7.5)
    with_one = without.model_copy(update={"faults": [fault(from_s=6.5)]})
    for profile, duration_s in ((without, TURNS), (with_one, 8)):
        progress = Progress("pages", profile, by_turns=True)
        assert next_run(progress, "locustfile.py", 1).duration_s == duration_s
