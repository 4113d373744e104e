from pathlib import Path

from graders.sandbox.tripwire import STEP_BYTES, Tripwire, disk_left_bytes, memory_left_bytes

GIB = 1 << 30


def test_it_trips_before_the_first_look_and_then_when_half_of_the_room_may_be_taken() -> None:
    left = [10 * GIB]
    wire = Tripwire(lambda: left[0])
    assert wire.is_tripped()
    wire.arm(left[0], room_bytes=2 * GIB)
    assert not wire.is_tripped()
    left[0] = 9 * GIB
    assert not wire.is_tripped()
    left[0] = 9 * GIB - 1
    assert wire.is_tripped()


def test_with_no_room_left_it_still_lets_others_take_a_little() -> None:
    left = [10 * GIB]
    wire = Tripwire(lambda: left[0])
    wire.arm(left[0], room_bytes=-GIB)
    left[0] -= STEP_BYTES
    assert not wire.is_tripped()
    left[0] -= 1
    assert wire.is_tripped()


def test_the_machine_has_something_left(tmp_path: Path) -> None:
    assert memory_left_bytes() > 0
    assert disk_left_bytes(tmp_path) > 0


def test_of_what_is_gone_nothing_is_left(tmp_path: Path) -> None:
    assert disk_left_bytes(tmp_path / "gone") == 0
