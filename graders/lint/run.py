"""Linting one lab."""

from collections.abc import Iterator
from pathlib import Path

from graders.lint.checks import check_problems
from graders.lint.follow_ups import follow_up_problems
from graders.lint.handout import handout_problems
from graders.lint.load import load_problems
from graders.lint.problem import Problem
from graders.lint.submissions import submission_problems
from graders.manifest import Manifest, line_of, manifest_and_mistakes

ALL_POINTS = 100
HINT_FIELDS = ("hint", "direction", "technique")


def lint(lab: Path) -> list[Problem]:
    """Return every problem of a lab, sorted by file and line."""
    path = lab / "lab.toml"
    manifest, mistakes = manifest_and_mistakes(lab)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    problems = [
        Problem(path, line_of(place, text) or 1, f"{_dotted(place)}{message}")
        for place, message in mistakes
    ]
    if manifest:
        problems += _manifest_problems(manifest, path, text)
        problems += check_problems(lab, manifest, text)
        problems += load_problems(lab, manifest, text)
        problems += submission_problems(lab, manifest, text)
        problems += handout_problems(lab, manifest, text)
        problems += follow_up_problems(lab, manifest)
    return sorted(set(problems))


def _dotted(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in place) + ": " if place else ""


def _manifest_problems(manifest: Manifest, path: Path, text: str) -> Iterator[Problem]:
    """Look for what is well-formed and still of no use to a learner."""
    points = sum(one.points for one in manifest.requirements)
    if points != ALL_POINTS:
        message = f"the points of all requirements add up to {points}, not to {ALL_POINTS}"
        yield Problem(path, line_of(("requirements", 0), text) or 1, message)
    used = {one.stage for one in manifest.requirements}
    for index, stage in enumerate(manifest.stages):
        if stage.name not in used:
            place = line_of(("stages", index), text) or 1
            yield Problem(path, place, f"stage {stage.name!r} has no requirement")
    caught = {name for mutant in manifest.mutants for name in mutant.caught_by}
    for index, requirement in enumerate(manifest.requirements):
        for field in ("title", *HINT_FIELDS):
            if not getattr(requirement, field).strip():
                place = line_of(("requirements", index, field), text) or 1
                yield Problem(path, place, f"requirement {requirement.id}: its {field} is empty")
        if requirement.id not in caught:
            place = line_of(("requirements", index, "id"), text) or 1
            yield Problem(
                path, place, f"requirement {requirement.id}: no mutant shows that it can fail"
            )
    for index, mutant in enumerate(manifest.mutants):
        if not mutant.misconception.strip():
            place = line_of(("mutants", index, "misconception"), text) or 1
            yield Problem(path, place, f"mutant {mutant.name}: its misconception is empty")
