"""New labs, made from the templates that come with the kit."""

import re
import shutil
from pathlib import Path

from graders.errors import MachineError, UsageError
from graders.labs import LABS
from graders.manifest import did_you_mean
from graders.processes import made_whole

TEMPLATES = Path("templates")
NAME = re.compile(r"[a-z][a-z0-9_]*")
TITLE = re.compile(r'^title = ".*"', re.MULTILINE)
HEADING = re.compile(r"^# .*")


def template_names() -> list[str]:
    """Return the names of all templates, sorted."""
    return sorted(path.parent.name for path in TEMPLATES.glob("*/lab.toml"))


def new_lab(name: str, template: str) -> Path:
    """Copy a template to labs/NAME, whole or not at all, and give it a title."""
    known = template_names()
    if template not in known:
        raise UsageError(
            f"There is no template {template!r}{did_you_mean(template, known)}.",
            f"Choose one of: {', '.join(known) or 'none here; run this in the kit folder'}.",
        )
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} can't be the name of a lab.",
            "Use lower-case letters, digits and _, beginning with a letter: rate_limiter.",
        )
    target = LABS / name
    if target.exists():
        raise UsageError(f"{target} exists already.", "Choose another name, or edit that lab.")
    try:
        LABS.mkdir(exist_ok=True)
        without = shutil.ignore_patterns("__pycache__", "certificate.*")
        with made_whole(target) as partial:
            shutil.copytree(TEMPLATES / template, partial, ignore=without)
            _entitle(partial, name.replace("_", " ").capitalize())
    except OSError as error:
        raise MachineError(
            f"{target} can't be written: {error.strerror or error}.",
            "Make that folder writable, or free some disk space.",
        ) from None
    return target


def _entitle(lab: Path, title: str) -> None:
    manifest, handout = lab / "lab.toml", lab / "README.md"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(TITLE.sub(f'title = "{title}"', text, count=1), encoding="utf-8")
    text = handout.read_text(encoding="utf-8")
    handout.write_text(HEADING.sub(f"# {title}", text, count=1), encoding="utf-8")
