"""A lab's follow-up questions: well-formed, and about things that the lab has."""

from collections.abc import Iterator
from pathlib import Path

from graders.lint.problem import Problem
from graders.manifest import Manifest, follow_up_mistakes, line_of


def follow_up_problems(lab: Path, manifest: Manifest) -> Iterator[Problem]:
    """Look for what is wrong with `follow_ups.toml`, which a lab may leave out."""
    path = lab / "follow_ups.toml"
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for place, message in follow_up_mistakes(lab, manifest):
        where = ".".join(str(part) for part in place) + ": " if place else ""
        yield Problem(path, line_of(place, text) or 1, where + message)
