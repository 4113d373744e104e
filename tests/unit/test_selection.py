"""Which requirement an item belongs to, in which order items run, which are left out."""

from typing import Any, cast

import pytest

from graders.checks.selection import (
    CHECK,
    CheckOf,
    assign,
    count_by_requirement,
    require_checks,
    select,
    sort_by_stage,
)
from graders.errors import LabError
from graders.manifest import Manifest

MANIFEST = Manifest.model_validate(
    {
        "schema": 1,
        "lab": {"title": "t", "question": "q", "minutes": 1, "reference": "r"},
        "check_timeout_s": 7,
        "stages": [{"name": name, "title": name} for name in ("basics", "faults")],
        "requirements": [
            {"id": id_, "stage": stage, "title": id_, "points": 1, "hint": "h"}
            for id_, stage in (("greets", "basics"), ("survives", "faults"))
        ],
    }
)


class Item:
    """As much of a pytest item as selection looks at."""

    def __init__(self, name: str, *markers: pytest.MarkDecorator) -> None:
        self.name = self.nodeid = name
        self.location = ("checks/test_basics.py", 11, name)
        self.stash = pytest.Stash()
        self.markers = list(markers)

    def iter_markers(self, name: str) -> list[pytest.Mark]:
        return [marker.mark for marker in self.markers if marker.name == name]

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return next(iter(self.iter_markers(name)), None)

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        self.markers.append(marker)


def repeated(name: str, requirement: str, stage: str) -> Any:
    return Item(name, pytest.mark.requirement(requirement, again=stage), pytest.mark.again(stage))


def check(name: str, *requirements: str, timeout_s: float | None = None) -> Any:
    markers = [pytest.mark.requirement(one) for one in requirements]
    return Item(name, *markers, *([pytest.mark.timeout(timeout_s)] if timeout_s else []))


def assigned(*items: Any) -> list[pytest.Item]:
    for item in items:
        assign(item, MANIFEST)
    return list(items)


def test_a_check_gets_requirement_stage_and_time_of_the_manifest() -> None:
    (item,) = assigned(check("test_it", "survives"))
    assert item.stash[CHECK] == CheckOf("survives", "faults", 7.0)
    assert [mark.args for mark in item.iter_markers("timeout")] == [(7.0,)]


def test_a_check_may_bring_its_own_time() -> None:
    (item,) = assigned(check("test_it", "greets", timeout_s=90))
    assert item.stash[CHECK].timeout_s == 90.0
    assert [mark.args for mark in item.iter_markers("timeout")] == [(90,)]


@pytest.mark.parametrize(
    ("requirements", "words"),
    [
        ([], ["has 0 @requirement markers", "exactly one"]),
        (["greets", "survives"], ["has 2 @requirement markers"]),
        (["greet"], ["'greet', which lab.toml does not have", "did you mean 'greets'?"]),
    ],
)
def test_a_check_of_no_one_requirement_is_the_labs_fault(
    requirements: list[str], words: list[str]
) -> None:
    with pytest.raises(LabError) as caught:
        assigned(check("test_it", *requirements))
    assert "checks/test_basics.py:12: test_it" in caught.value.problem
    assert not [word for word in words if word not in caught.value.problem]


def test_checks_run_stage_by_stage_and_within_a_stage_as_written() -> None:
    items = assigned(
        check("a", "survives"), check("b", "greets"), check("c", "survives"), check("d", "greets")
    )
    sort_by_stage(items, MANIFEST)
    assert [item.name for item in items] == ["b", "d", "a", "c"]


def test_only_selected_requirements_stay_and_the_others_are_returned() -> None:
    items = assigned(check("a", "survives"), check("b", "greets"))
    left_out = select(items, {"greets"})
    assert [item.name for item in items] == ["b"]
    assert [item.name for item in left_out] == ["a"]


def test_a_requirement_that_no_item_checks_is_the_labs_fault() -> None:
    items = assigned(check("a", "survives"))
    with pytest.raises(LabError, match="No check and no threshold belongs to: greets"):
        require_checks(items, MANIFEST)
    require_checks([*items, *assigned(cast(Any, check("b", "greets")))], MANIFEST)


def test_checks_that_are_named_run_before_all_others() -> None:
    items = assigned(
        check("a", "greets"), check("b", "survives"), check("c", "survives"), check("d", "greets")
    )
    sort_by_stage(items, MANIFEST, first=["c"])
    assert [item.name for item in items] == ["c", "a", "d", "b"]


def test_checks_are_counted_by_requirement() -> None:
    items = assigned(check("a", "greets"), check("b", "survives"), check("c", "greets"))
    assert count_by_requirement(items) == {"greets": 2, "survives": 1}


def test_a_check_that_runs_again_does_so_at_the_end_of_another_stage() -> None:
    later = repeated("test_again", "greets", "faults")
    items = assigned(later, check("test_faults", "survives"), check("test_first", "greets"))
    sort_by_stage(items, MANIFEST)
    assert [item.name for item in items] == ["test_first", "test_faults", "test_again"]
    assert items[-1].stash[CHECK] == CheckOf("greets", "faults", 7.0, again=True)


def test_a_check_runs_again_in_no_unknown_stage() -> None:
    with pytest.raises(LabError, match=r"again='fault' is no stage.*did you mean 'faults'"):
        assigned(repeated("test_again", "greets", "fault"))
