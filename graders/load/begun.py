"""When a run's measured phases begin: told by the generator, heard by whoever acts at a moment."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Begun:
    """A measured phase, which is `duration_s` of what its `targets` are measured for.

    It begins at `at_s` of the machine's monotonic clock, with second `first_s` of the run.
    """

    at_s: float
    first_s: float
    duration_s: float
    targets: tuple[int, ...]


def tell(file: Path, begun: Begun) -> None:
    """Add a phase to a file."""
    with file.open("a") as out:
        out.write(json.dumps(dataclasses.asdict(begun)) + "\n")


def heard(file: Path) -> list[Begun]:
    """Return the phases told so far."""
    if not file.exists():
        return []
    whole, _, _ = file.read_text().rpartition("\n")  # a line may be half written
    told = [json.loads(line) for line in whole.splitlines()]
    return [Begun(**{**one, "targets": tuple(one["targets"])}) for one in told]
