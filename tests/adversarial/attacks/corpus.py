"""Every attack at every level this machine offers: contained, or not, exactly as documented.

Not collected by plain `pytest`, for it takes minutes: `make test-attacks`.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adversarial.attacks.assault import Course, assault
from tests.adversarial.attacks.machine import PATIENCE_S, Machine
from tests.adversarial.attacks.table import LEVELS, Attack, attacks

GOOD = Attack("good", "none", "Does nothing wrong", at="folder", services=True)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("attack", attacks(), ids=lambda one: one.name)
def test_an_attack_is_contained_exactly_where_it_is_said_to_be(
    attack: Attack,
    level: str,
    template_home: Path,
    machine: Machine,
    need: Callable[[Attack, str], None],
    note: Callable[[Attack, str, Course], None],
) -> None:
    need(attack, level)
    course = assault(attack, level, template_home)
    machine.traces.add(course.traces)
    note(attack, level, course)
    seen = [f"{who}: {what}" for who, what in course.breaches]
    if attack.contained[level]:
        assert not seen, course.output
    else:
        assert [one for one in seen if one.startswith(f"{attack.seen_by}: ")], (seen, course.output)


@pytest.mark.parametrize("level", LEVELS)
def test_a_good_submission_passes_under_the_same_eyes(
    level: str, template_home: Path, need: Callable[[Attack, str], None]
) -> None:
    need(GOOD, level)
    course = assault(GOOD, level, template_home)
    assert {who for who, _ in course.breaches} == {"verdict"}, course.output  # a pass is one here
    assert course.report
    assert course.report["verdict"]["outcome"] == "passed", course.output


def test_nothing_is_left_of_all_of_them(machine: Machine) -> None:
    left = machine.left()
    deadline = time.monotonic() + PATIENCE_S
    while left and time.monotonic() < deadline:
        time.sleep(0.5)
        left = machine.left()
    assert left == []
    machine.wait_until_all_is_back()
