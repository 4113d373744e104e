"""`lab load` and `lab capacity` on a real service: figures without points."""

import re
from collections.abc import Callable
from typing import Any

import pytest

SOLUTION = "labs/loaded/solutions/threads"
ONE_AT_A_TIME = """
import threading
import time

from kept import Kept

turn = threading.Lock()


class Answers(Kept):
    def square(self, number):
        with turn:
            time.sleep(0.03)
        return str(number * number)
"""


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory, new_kit: Callable[..., Any]) -> Any:
    return new_kit(tmp_path_factory.mktemp("loading"))


@pytest.mark.alone
def test_two_workers_share_the_rate_of_a_profile(kit: Any) -> None:
    done = kit.lab("load", "loaded", "--workers", 2, "--from", SOLUTION)
    assert done.code == 0, done.output
    numbers = done.output.splitlines()[1].split()
    workers, offered, answered = map(int, numbers[:3])
    assert (workers, offered) == (2, answered)
    assert 120 < offered < 240  # 60 requests/s for 3 s


@pytest.mark.thorough
@pytest.mark.alone
def test_the_knee_of_a_service_that_serves_one_at_a_time_is_where_its_time_is_used_up(
    kit: Any,
) -> None:
    answers = kit.folder / SOLUTION / "answers.py"
    answers.write_text(ONE_AT_A_TIME)
    done = kit.lab("capacity", "loaded", "--from", SOLUTION)
    assert done.code == 0, done.output
    found = re.search(r"The knee: (\d+) requests/s held, (\d+) did not", done.output)
    assert found, done.output
    assert 24 < int(found[1]) < 42, done.output  # it takes 30 ms for each, so 33 a second
    assert "next: explain what it ran out of first" in done.output


@pytest.mark.alone
def test_a_profile_that_does_not_exist_is_named_with_those_that_do(kit: Any) -> None:
    done = kit.lab("capacity", "loaded", "--profile", "square", "--from", SOLUTION)
    assert done.code == 2
    assert "no timed load profile 'square'; did you mean 'squares'?" in done.output
