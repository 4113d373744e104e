"""Small pieces of Markdown that transcripts and stories share."""

import os
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path

from graders.interview.past import Past


def code(text: str) -> str:
    """Return a text as it is, on one line, so that nothing in it can be taken for Markdown."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def names_of(attempts: Sequence[Past], shown: int = 3) -> str:
    """Return the names of attempts as links of `links_to`, the newest of many."""
    names = ", ".join(f"[{one.name}]" for one in attempts[-shown:])
    return names if len(attempts) <= shown else f"{names} and {len(attempts) - shown} before"


def links_to(attempts: Iterable[Past], folder: Path) -> list[str]:
    """Return where the names of attempts lead, seen from a folder; none where no page is."""
    unique = {one.name: one.page for one in attempts}
    lines = []
    for name, page in sorted(unique.items()):
        if page.is_file():
            path = os.fsencode(os.path.relpath(page, folder))
            lines.append(f"[{name}]: {urllib.parse.quote(path)}")
    return lines


def without_page(attempts: Iterable[Past]) -> list[str]:
    """Return the names of attempts whose page is gone."""
    return sorted({one.name for one in attempts if not one.page.is_file()})
