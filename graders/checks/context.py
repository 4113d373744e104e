"""What a pytest session needs to know about the grade it is part of, and what it finds out."""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from graders.checks.phases import Phases
from graders.checks.seeding import seeding_told
from graders.errors import GradingError, LabError
from graders.manifest import Manifest
from graders.model import (
    CheckResult,
    LoadFigures,
    Outcome,
    Progress,
    Seeding,
    ThresholdResult,
    Timeline,
    Work,
)
from graders.sandbox import Containment, Sandbox, open_sandbox
from graders.services import ServicesMode
from graders.stand import App, Stand, open_stand
from graders.submission import Submission, prepare


@dataclass(frozen=True)
class Order:
    """What to grade and how: a lab's folder, its manifest, a submission's folder, requirements.

    With `run_all`, stages after a failed one still run. `shown_as` is what the report calls the
    submission, where that is not its path. The checks named in `first` run before all others.
    """

    lab: Path
    manifest: Manifest
    source: Path
    seed: int
    requirements: frozenset[str]
    run_all: bool
    services: ServicesMode
    containment: Containment
    cache: Path
    shown_as: str = ""
    first: tuple[str, ...] = ()


@dataclass
class Findings:
    """What the session has found so far."""

    checks: list[CheckResult] = field(default_factory=list)
    thresholds: list[ThresholdResult] = field(default_factory=list)
    loads: list[LoadFigures] = field(default_factory=list)
    recorded: dict[str, float] = field(default_factory=dict)
    timelines: list[Timeline] = field(default_factory=list)
    growth: list[Work] = field(default_factory=list)
    running: list[App] = field(default_factory=list)
    log: tuple[str, ...] = ()
    problem: GradingError | None = None

    def failed_stage(self, before: int, manifest: Manifest) -> str | None:
        """Return the first stage before the given place whose failure leaves that one out.

        A stage graded regardless of others is left out only when a gate failed.
        """
        regardless = manifest.stages[before].regardless
        failed = {
            check.stage
            for check in self.checks
            if check.outcome is Outcome.FAILED
            and (not regardless or manifest.requirement(check.requirement).gate)
        }
        return next((one.name for one in manifest.stages[:before] if one.name in failed), None)


@dataclass(frozen=True)
class Context:
    """One grade as its checks see it; `reference` prepares the reference solution when called."""

    order: Order
    stand: Stand
    submission: Submission
    reference: Callable[[], Submission]
    findings: Findings
    progress: Progress
    phases: Phases

    @property
    def manifest(self) -> Manifest:
        """The lab's manifest."""
        return self.order.manifest


CONTEXT: pytest.StashKey[Context] = pytest.StashKey()


@dataclass(frozen=True)
class Place:
    """Where a submission will be graded: a folder, a sandbox, and the lab's services in it."""

    folder: Path
    sandbox: Sandbox
    stand: Stand


@contextmanager
def open_place(order: Order, folder: Path, progress: Progress) -> Iterator[Place]:
    """Start the lab's services in a sandbox; all of it ends on leaving."""
    with (
        open_sandbox(order.containment.level, folder, order.cache) as sandbox,
        _stand(order, folder, sandbox, progress) as stand,
    ):
        yield Place(folder, sandbox, stand)


@contextmanager
def open_context(order: Order, folder: Path, progress: Progress) -> Iterator[Context]:
    """Copy and build the submission, start the lab's services; all of it ends on leaving."""
    with open_sandbox(order.containment.level, folder, order.cache) as sandbox:
        submission = _submission(order, sandbox, folder)
        with _stand(order, folder, sandbox, progress) as stand:
            yield _context(order, Place(folder, sandbox, stand), submission, progress)


def context_at(place: Place, order: Order, progress: Progress) -> Context:
    """Copy and build the submission where the services of its lab run already."""
    submission = _submission(order, place.sandbox, place.folder)
    return _context(order, place, submission, progress)


@contextmanager
def _stand(order: Order, folder: Path, sandbox: Sandbox, progress: Progress) -> Iterator[Stand]:
    opening = open_stand(order.manifest, order.lab, folder, order.cache, order.services, sandbox)
    with ExitStack() as stack:
        with seeding_told(order.cache, lambda percent: progress(Seeding(percent))):
            stand = stack.enter_context(opening)
        yield stand


def _submission(order: Order, sandbox: Sandbox, folder: Path) -> Submission:
    place = sandbox.workplace("submission")
    return prepare(order.source, order.lab, order.manifest, place, folder, order.cache)


def _context(order: Order, place: Place, submission: Submission, progress: Progress) -> Context:
    lab, manifest = order.lab, order.manifest

    @functools.cache
    def reference() -> Submission:
        if not manifest.lab.reference:
            raise LabError(
                "This lab has no reference solution, so no time can be compared.",
                "Name one in lab.toml: [lab] reference; or grade with --no-load.",
            )
        where = place.sandbox.workplace("reference")
        source = lab / manifest.lab.reference
        return prepare(source, lab, manifest, where, place.folder, order.cache)

    phases = Phases(progress)
    return Context(order, place.stand, submission, reference, Findings(), progress, phases)
