"""One attempt of a learner: graded, written down, recorded."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.archives import SUFFIXES, is_archive
from graders.checks.context import Order, Place
from graders.errors import GradingError, UsageError
from graders.grade import grade
from graders.history import History
from graders.labs import default_submission, find_lab
from graders.manifest import Manifest, did_you_mean, load_manifest
from graders.model import Progress, Report
from graders.processes import disk_error
from graders.report import write_all
from graders.sandbox import SandboxWish, contain
from graders.services import ServicesMode
from graders.state import attempts_folder, cache_folder, history_url

SEED_LIMIT = 1_000_000


@dataclass(frozen=True)
class Wishes:
    """What the command line asks of a grade; None and empty mean everything, or the default."""

    lab: str
    source: Path | None = None
    stages: Sequence[str] = ()
    requirements: Sequence[str] = ()
    load: bool = True
    run_all: bool = False
    seed: int | None = None
    services: ServicesMode = "embedded"
    sandbox: SandboxWish = "auto"
    untrusted: bool = False
    large: bool = False
    shown_as: str = ""
    first: Sequence[str] = ()


def order(wishes: Wishes) -> Order:
    """Turn wishes into an order; UsageError and LabError say what is not there."""
    lab = find_lab(wishes.lab)
    manifest = load_manifest(lab)
    if wishes.large:
        manifest = _with_large_seed(manifest)
    source = wishes.source or default_submission(lab)
    archived = source.is_file() and is_archive(source)
    if not source.is_dir() and not archived:
        raise UsageError(
            f"There is no folder or archive ({', '.join(SUFFIXES)}) {source} to grade.",
            f"Run `make lab-{lab.name}` to begin, or name another one: --from FOLDER.",
        )
    selected = frozenset(_selected(manifest, wishes))
    if not selected:
        raise UsageError(
            "Nothing is left to grade with these --stage, --requirement and --no-load.",
            "Leave one of them out.",
        )
    return Order(
        lab=lab,
        manifest=manifest,
        source=source,
        seed=secrets.randbelow(SEED_LIMIT) if wishes.seed is None else wishes.seed,
        requirements=selected,
        run_all=wishes.run_all,
        services=wishes.services,
        containment=contain(
            wishes.sandbox, untrusted=wishes.untrusted or archived, cache=cache_folder()
        ),
        cache=cache_folder(),
        shown_as=wishes.shown_as,
        first=tuple(wishes.first),
    )


def _with_large_seed(manifest: Manifest) -> Manifest:
    """Return the manifest with the database of real size in the place of the usual one."""
    if not manifest.seed.large:
        raise UsageError("This lab has no database of another size.", "Leave --large out.")
    seed = manifest.seed.model_copy(update={"postgres": manifest.seed.large})
    return manifest.model_copy(update={"seed": seed})


def attempt(
    wanted: Order, progress: Progress, record: bool, out: Path | None, place: Place | None = None
) -> tuple[Report, Path]:
    """Grade, write the report (to `out`, or among the attempts) and record it in the history.

    In a `place`, its services are used; without one they are started.
    """
    report = grade(wanted, progress, place)
    folder = out or attempts_folder() / report.lab / report.attempt
    try:
        write_all(report, folder)
    except OSError as error:
        raise _unwritten(folder, error, report) from None
    if record:
        History(history_url()).record(report, folder.absolute())
    return report, folder


def _selected(manifest: Manifest, wishes: Wishes) -> list[str]:
    _known("stage", wishes.stages, [stage.name for stage in manifest.stages])
    _known("requirement", wishes.requirements, [one.id for one in manifest.requirements])
    without = () if wishes.load else ("timed", "counted")
    if not manifest.lab.reference:
        without = ("timed", *without)  # a copy for students: nothing to compare times with
    left_out = manifest.judged_by_load(*without)
    return [
        one.id
        for one in manifest.requirements
        if (not wishes.stages or one.stage in wishes.stages)
        and (not wishes.requirements or one.id in wishes.requirements)
        and one.id not in left_out
    ]


def _known(kind: str, names: Sequence[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(
                f"The lab has no {kind} {name!r}{did_you_mean(name, known)}.",
                f"Choose from: {', '.join(known)}.",
            )


def _unwritten(folder: Path, error: OSError, report: Report) -> GradingError:
    refused = disk_error(error, folder)
    refused.problem += (
        f" The verdict was: {report.verdict.outcome.value}, {report.verdict.sentence}"
    )
    return refused
