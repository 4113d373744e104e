"""What an audit grades: submissions whose verdict is known beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.errors import UsageError
from graders.manifest import Manifest


@dataclass(frozen=True)
class Plan:
    """What to audit: a lab, how often, with load or not, all or only some submissions."""

    lab: Path
    repeat: int
    load: bool
    only: tuple[str, ...]
    seed: int | None


@dataclass(frozen=True)
class Subject:
    """A submission whose verdict is known beforehand; a mutant is `caught_by` requirements."""

    name: str
    role: str
    source: Path
    caught_by: tuple[str, ...] = ()
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
            source = plan.lab / "mutants" / mutant.name
            subjects.append(Subject(mutant.name, "mutant", source, names, bool(timed & set(names))))
    return _chosen(subjects, plan.only)


def _chosen(subjects: list[Subject], only: Sequence[str]) -> list[Subject]:
    unknown = set(only) - {subject.name for subject in subjects}
    if unknown:
        raise UsageError(
            f"There is no solution or mutant {', '.join(sorted(unknown))}.",
            f"Choose from: {', '.join(subject.name for subject in subjects)}.",
        )
    return [subject for subject in subjects if not only or subject.name in only]
