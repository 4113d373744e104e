"""Every attack at every level this machine offers: contained, or not, exactly as documented."""

import pytest

from tests.adversarial.attacks.assault import assault
from tests.adversarial.attacks.table import LEVELS, Attack, attacks


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("attack", attacks(), ids=lambda one: one.name)
def test_attack(attack: Attack, level: str, template_home, offered, note) -> None:
    offered(attack, level)
    course = assault(attack, level, template_home)
    note(attack, level, course)
    names = {who for who, _ in course.breaches}
    if attack.contained[level]:
        assert not course.breaches, course.output
    else:
        assert attack.seen_by in names, (course.breaches, course.output)
