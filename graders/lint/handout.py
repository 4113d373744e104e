"""A lab's handout: it names every requirement, and its links lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

from graders.lint.problem import Problem
from graders.manifest import Manifest, line_of

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def handout_problems(lab: Path, manifest: Manifest, text: str) -> Iterator[Problem]:
    """Look for requirements the handout does not name, and for broken links."""
    path = lab / "README.md"
    if not path.is_file():
        yield Problem(lab / "lab.toml", 1, "the lab has no handout: write README.md")
        return
    handout = path.read_text(encoding="utf-8", errors="replace")
    for index, one in enumerate(manifest.requirements):
        if f"`{one.id}`" not in handout:
            line = line_of(("requirements", index, "id"), text) or 1
            message = f"requirement {one.id}: README.md does not name it as `{one.id}`"
            yield Problem(lab / "lab.toml", line, message)
    prose = FENCED.sub(lambda match: "\n" * match[0].count("\n"), handout)
    anchors = {_anchor(title) for title in HEADING.findall(prose)}
    for number, words in enumerate(prose.splitlines(), start=1):
        for target in LINK.findall(words):
            if reason := _broken(target, lab, anchors):
                yield Problem(path, number, f"the link to {target} {reason}")


def _broken(target: str, lab: Path, anchors: set[str]) -> str | None:
    if re.match(r"[a-z]+:", target):  # elsewhere; the network is not asked
        return None
    file, _, anchor = target.partition("#")
    if file:
        return None if (lab / file).exists() else "leads to no file"
    return None if anchor in anchors else "leads to no heading"


def _anchor(title: str) -> str:
    """Return the anchor that renderers of Markdown make out of a heading."""
    kept = re.sub(r"[^\w\- ]", "", title.lower())
    return kept.strip().replace(" ", "-")
