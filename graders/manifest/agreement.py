"""Whether the parts of a manifest agree with each other, and with the lab's folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from graders.manifest.lab import Manifest
from graders.manifest.lines import Location
from graders.manifest.words import did_you_mean

Disagreement = tuple[Location, str]


def disagreements(manifest: Manifest, folder: Path) -> Iterator[Disagreement]:
    """Return every name that names nothing, is used twice, or lacks its file; with its place."""
    yield from _twice("stages", [stage.name for stage in manifest.stages])
    yield from _twice("requirements", [one.id for one in manifest.requirements])
    yield from _twice("mutants", [mutant.name for mutant in manifest.mutants])
    yield from _unknown_names(manifest)
    yield from _missing_files(manifest, folder)


def _twice(table: str, names: Sequence[str]) -> Iterator[Disagreement]:
    for index, name in enumerate(names):
        if name in names[:index]:
            kind = table.removesuffix("s")
            yield (table, index), f"{kind} {name!r} is defined {names.count(name)} times"


def _unknown_names(manifest: Manifest) -> Iterator[Disagreement]:
    stages = [stage.name for stage in manifest.stages]
    ids = [requirement.id for requirement in manifest.requirements]
    for index, requirement in enumerate(manifest.requirements):
        place: Location = ("requirements", index, "stage")
        yield from _unknown(place, f"{requirement.id}: stage", requirement.stage, stages)
    for name, profile in manifest.load.items():
        for index, threshold in enumerate(profile.thresholds):
            place = ("load", name, "thresholds", index, "requirement")
            yield from _unknown(place, "requirement", threshold.requirement, ids)
        for index, fault in enumerate(profile.faults):
            place = ("load", name, "faults", index, "service")
            yield from _unknown(place, "service", fault.service, list(manifest.lab.services))
        if profile.probes:
            place = ("load", name, "probes", "requirement")
            yield from _unknown(place, "requirement", profile.probes.requirement, ids)
    for index, mutant in enumerate(manifest.mutants):
        for caught_by in mutant.caught_by:
            what = f"mutant {mutant.name}: requirement"
            yield from _unknown(("mutants", index, "caught_by"), what, caught_by, ids)


def _unknown(place: Location, what: str, name: str, names: list[str]) -> Iterator[Disagreement]:
    if name not in names:
        yield place, f"{what} {name!r} does not exist{did_you_mean(name, names)}"


def _missing_files(manifest: Manifest, folder: Path) -> Iterator[Disagreement]:
    for key, files in (("postgres", manifest.seed.postgres), ("large", manifest.seed.large)):
        for file in files:
            yield from _missing(("seed", key), f"seed file {file!r}", folder / file)
    if app := manifest.submission.app:
        yield from _missing(("submission", "app"), f"app {app!r}", folder / app)
    if reference := manifest.lab.reference:
        yield from _missing(("lab", "reference"), f"reference {reference!r}", folder / reference)
    for index, mutant in enumerate(manifest.mutants):
        what, own = f"mutant {mutant.name}:", folder / "mutants" / mutant.name
        yield from _missing(
            ("mutants", index, "of"), f"{what} of {mutant.of!r}", folder / mutant.of
        )
        yield from _missing(("mutants", index, "name"), f"{what} its folder", own)


def _missing(place: Location, what: str, path: Path) -> Iterator[Disagreement]:
    if not path.exists():
        siblings = [one.name for one in path.parent.glob("*")] if path.parent.is_dir() else []
        yield place, f"{what} does not exist{did_you_mean(path.name, siblings)}"
