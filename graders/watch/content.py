"""What a folder holds, as far as a learner saved it there."""

import contextlib
import hashlib
import os
from pathlib import Path

from watchfiles import Change, DefaultFilter

from graders.submission import LEFT_OUT

OF_INTEREST = DefaultFilter(ignore_dirs=(*DefaultFilter.ignore_dirs, *LEFT_OUT))


def is_of_interest(path: str, folder: Path) -> bool:
    """Say if a path in a folder is a learner's work, and no cache, swap file or the like."""
    return OF_INTEREST(Change.modified, os.path.relpath(path, folder))


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 of a folder's files and names; what editors leave there does not count."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_of_interest(str(path), folder):
            with contextlib.suppress(FileNotFoundError):  # it was removed while we looked
                content = path.read_bytes()
                digest.update(os.fsencode(f"{path.relative_to(folder)}\0{len(content)}\0"))
                digest.update(content)
    return digest.hexdigest()
