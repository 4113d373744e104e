"""Which requirement an item belongs to, in which order items run, which are left out."""

from collections import Counter
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass

import pytest

from graders.errors import LabError
from graders.manifest import Manifest, did_you_mean


@dataclass(frozen=True)
class CheckOf:
    """The requirement and stage of an item, and the seconds it may take.

    One that runs `again` was there before, in the stage of its requirement.
    """

    requirement: str
    stage: str
    timeout_s: float
    again: bool = False


AGAIN = "again"
CHECK: pytest.StashKey[CheckOf] = pytest.StashKey()


def assign(item: pytest.Item, manifest: Manifest) -> None:
    """Tie an item to the one requirement its marker names, and give it its time limit."""
    ids = [str(id_) for marker in item.iter_markers("requirement") for id_ in marker.args[:1]]
    path, line, _ = item.location
    where = f"{path}:{(line or 0) + 1}"
    if len(ids) != 1:
        raise LabError(
            f"{where}: {item.name} has {len(ids)} @requirement markers; a check has exactly one.",
            'Put @requirement("…") above it, with an id of lab.toml.',
        )
    known = [requirement.id for requirement in manifest.requirements]
    if ids[0] not in known:
        raise LabError(
            f"{where}: {item.name} checks the requirement {ids[0]!r}, which lab.toml does not "
            f"have{did_you_mean(ids[0], known)}.",
            "Correct the marker, or add the requirement to lab.toml.",
        )
    timeout = item.get_closest_marker("timeout")
    timeout_s = _seconds(timeout) if timeout else manifest.check_timeout_s
    if not timeout:
        item.add_marker(pytest.mark.timeout(timeout_s))
    repeated = item.get_closest_marker(AGAIN)
    stage = _known_stage(repeated, manifest, where) if repeated else None
    own_stage = manifest.requirement(ids[0]).stage
    item.stash[CHECK] = CheckOf(ids[0], stage or own_stage, timeout_s, bool(repeated))


def _known_stage(repeated: pytest.Mark, manifest: Manifest, where: str) -> str:
    stage, known = str(repeated.args[0]), [one.name for one in manifest.stages]
    if stage not in known:
        raise LabError(
            f"{where}: again={stage!r} is no stage of lab.toml{did_you_mean(stage, known)}.",
            "Correct the marker.",
        )
    return stage


def run_twice(metafunc: pytest.Metafunc) -> None:
    """Make two items of a check that runs again in another stage."""
    markers = metafunc.definition.iter_markers("requirement")
    stage = next((one.kwargs["again"] for one in markers if "again" in one.kwargs), None)
    if stage:
        later = pytest.param(True, id=AGAIN, marks=getattr(pytest.mark, AGAIN)(stage))
        metafunc.fixturenames.append("_again")
        metafunc.parametrize("_again", [pytest.param(False, id="first"), later])


def _seconds(timeout: pytest.Mark) -> float:
    """Return the limit of a `timeout` marker, given by place or by name."""
    return float(timeout.args[0] if timeout.args else timeout.kwargs["timeout"])


def sort_by_stage(
    items: list[pytest.Item], manifest: Manifest, first: Collection[str] = ()
) -> None:
    """Sort items by stage, keeping the order within a stage; what runs again comes last in it.

    Those named in `first` come before all others.
    """

    def place(item: pytest.Item) -> tuple[bool, int, bool]:
        check = item.stash[CHECK]
        return item.nodeid not in first, manifest.stage_index(check.stage), check.again

    items.sort(key=place)


def select(items: list[pytest.Item], requirements: Set[str]) -> list[pytest.Item]:
    """Keep the items of some requirements; return the others."""
    left_out = [item for item in items if item.stash[CHECK].requirement not in requirements]
    items[:] = [item for item in items if item.stash[CHECK].requirement in requirements]
    return left_out


def count_by_requirement(items: Sequence[pytest.Item]) -> dict[str, int]:
    """Return how many of the items belong to each requirement."""
    return dict(Counter(item.stash[CHECK].requirement for item in items))


def require_checks(items: list[pytest.Item], manifest: Manifest) -> None:
    """Refuse a lab that promises what no item checks."""
    checked = {item.stash[CHECK].requirement for item in items}
    bare = [one.id for one in manifest.requirements if one.id not in checked]
    if bare:
        raise LabError(
            f"No check and no threshold belongs to: {', '.join(bare)}.",
            "Write a check for each, or take the requirement out of lab.toml.",
        )
