"""What an audit grades: submissions whose verdict is known beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.errors import UsageError
from graders.manifest import Manifest


@dataclass(frozen=True)
class Plan:
    """What to audit: a lab, how often, with load or not, all or only some submissions.

    With `fresh`, grades of an audit that was interrupted are made again. `workers` grades run side
    by side where no load is measured.
    """

    lab: Path
    repeat: int
    load: bool
    only: tuple[str, ...]
    seed: int | None
    fresh: bool = False
    workers: int = 2


@dataclass(frozen=True)
class Subject:
    """A submission whose verdict is known beforehand; a mutant is `caught_by` requirements.

    `graded` requirements are all that are looked at, without them everything is.
    """

    name: str
    role: str
    source: Path
    caught_by: tuple[str, ...] = ()
    graded: tuple[str, ...] = ()
    timed: bool = False


def subjects_of(plan: Plan, manifest: Manifest) -> list[Subject]:
    """Return starter, solutions and mutants; mutants only load can catch are left out with it."""
    timed, loaded = manifest.judged_by_load("timed"), manifest.judged_by_load("timed", "counted")
    with_load = plan.load and bool(timed)
    subjects = [Subject("starter", "starter", plan.lab / "starter", timed=with_load)]
    for folder in sorted((plan.lab / "solutions").iterdir()):
        if folder.is_dir():
            subjects.append(Subject(folder.name, "solution", folder, timed=with_load))
    for mutant in manifest.mutants:
        names = tuple(mutant.caught_by)
        if plan.load or not loaded & set(names):
            source, is_timed = plan.lab / "mutants" / mutant.name, bool(timed & set(names))
            # Who else sees a mistake is for the certificate, which takes an audit with load.
            graded = _near(manifest, set(names)) if plan.load else names
            subjects.append(Subject(mutant.name, "mutant", source, names, graded, is_timed))
    return _chosen(subjects, plan.only)


def _near(manifest: Manifest, named: set[str]) -> tuple[str, ...]:
    """Return the named requirements and those that cost little more: who else sees the mistake.

    They are the others of the same stages, or of the same load profiles.
    """
    loaded = manifest.judged_by_load("timed", "counted")
    stages = {manifest.requirement(name).stage for name in named - loaded}
    near = {one.id for one in manifest.requirements if one.stage in stages} - loaded
    for profile in manifest.load.values():
        if profile.judged & named:
            near |= profile.judged
    return tuple(one.id for one in manifest.requirements if one.id in near | named)


def _chosen(subjects: list[Subject], only: Sequence[str]) -> list[Subject]:
    unknown = set(only) - {subject.name for subject in subjects}
    if unknown:
        raise UsageError(
            f"There is no solution or mutant {', '.join(sorted(unknown))}.",
            f"Choose from: {', '.join(subject.name for subject in subjects)}.",
        )
    return [subject for subject in subjects if not only or subject.name in only]
