"""What watcher and grading child say to each other: one JSON object a line."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from graders.model import (
    CheckResult,
    ChecksFound,
    Happening,
    LoadBegun,
    PhaseBegun,
    Problem,
    Seeding,
)


@dataclass(frozen=True)
class Job:
    """What a child is told to grade: requirements, and the checks that come before all others."""

    requirements: tuple[str, ...]
    first: tuple[str, ...]
    run_all: bool
    seed: int | None


@dataclass(frozen=True)
class Ready:
    """The child has imported all it needs and started services; it waits for its job."""


@dataclass(frozen=True)
class Recorded:
    """The grade is over; its report lies in `folder`."""

    folder: str


Message = Ready | Recorded | Problem | Happening
KINDS: Sequence[type[Any]] = (
    *(Job, Ready, Recorded, Problem),
    *(Seeding, PhaseBegun, ChecksFound, LoadBegun, CheckResult),
)
ADAPTERS: dict[str, TypeAdapter[Any]] = {one.__name__: TypeAdapter(one) for one in KINDS}


def to_line(message: Message | Job) -> str:
    """Return a message as a line, without its end."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)})


def from_line(line: str | bytes) -> Any:
    """Return the message of a line."""
    document = json.loads(line)
    return ADAPTERS[document.pop("kind")].validate_python(document)
