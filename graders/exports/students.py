"""A lab without anything that gives its solution away."""

import re
import shutil
from pathlib import Path

from graders.errors import UsageError

SECRET = ("solutions", "mutants", "certificate.md", "certificate.json", "hidden", "__pycache__")
HEADER = re.compile(r"^\[\[?([\w.]+)\]\]?")
REFERENCE = re.compile(r"^reference *=.*\n", re.MULTILINE)


def for_students(lab: Path, folder: Path) -> Path:
    """Copy a lab to folder/NAME without solutions, mutants and hidden checks.

    Without the reference solution nothing can be compared with it: timed load is left out there.
    """
    target = folder / lab.resolve().name
    refuse_existing(target)
    shutil.copytree(lab, target, ignore=shutil.ignore_patterns(*SECRET))
    manifest = target / "lab.toml"
    text = REFERENCE.sub("", manifest.read_text(encoding="utf-8"))
    manifest.write_text(_without_table(text, "mutants"), encoding="utf-8")
    return target


def refuse_existing(target: Path) -> None:
    """Raise when a file or folder would be overwritten."""
    if target.exists():
        raise UsageError(f"{target} exists already.", "Name another place, or remove it first.")


def _without_table(text: str, name: str) -> str:
    """Return a TOML text without the tables of a name, and the comments right above them."""
    kept: list[str] = []
    leaving_out = False
    for line in text.splitlines(keepends=True):
        if header := HEADER.match(line):
            leaving_out = header[1] == name
            while leaving_out and kept and kept[-1].startswith("#"):
                kept.pop()
        if not leaving_out:
            kept.append(line)
    return "".join(kept).rstrip() + "\n"
