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
from graders.sandbox import Containment, open_sandbox
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


@contextmanager
def open_context(order: Order, folder: Path, progress: Progress) -> Iterator[Context]:
    """Copy and build the submission, start the lab's services; all of it ends on leaving."""
    with open_sandbox(order.containment.level, folder, order.cache) as sandbox:
        lab, manifest = order.lab, order.manifest
        submission = prepare(
            order.source, lab, manifest, sandbox.workplace("submission"), folder, order.cache
        )

        @functools.cache
        def reference() -> Submission:
            if not manifest.lab.reference:
                raise LabError(
                    "This lab has no reference solution, so no time can be compared.",
                    "Name one in lab.toml: [lab] reference; or grade with --no-load.",
                )
            place = sandbox.workplace("reference")
            return prepare(lab / manifest.lab.reference, lab, manifest, place, folder, order.cache)

        with ExitStack() as stack:
            with seeding_told(order.cache, lambda percent: progress(Seeding(percent))):
                opening = open_stand(manifest, lab, folder, order.cache, order.services, sandbox)
                stand = stack.enter_context(opening)
            phases = Phases(progress)
            yield Context(order, stand, submission, reference, Findings(), progress, phases)
