"""Every attack at every level this machine offers: contained, or not, exactly as documented.

Not collected by plain `pytest`, for it takes minutes: `make test-attacks`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adversarial.attacks.assault import Course, assault
from tests.adversarial.attacks.machine import Machine
from tests.adversarial.attacks.table import LEVELS, Attack, attacks

GOOD = Attack("good", "none", "Does nothing wrong")


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
    note(attack, level, course)
    seen = [f"{who}: {what}" for who, what in course.breaches]
    if attack.contained[level]:
        assert not seen, course.output
    else:
        assert [one for one in seen if one.startswith(f"{attack.seen_by}: ")], (seen, course.output)


def test_nothing_is_left_of_all_of_them(machine: Machine) -> None:
    machine.wait_until_all_is_back()
