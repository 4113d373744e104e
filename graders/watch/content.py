"""What a folder holds, as far as a learner saved it there."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from watchfiles import Change, DefaultFilter

from graders.submission import LEFT_OUT

IGNORED_FOLDERS = frozenset({*DefaultFilter.ignore_dirs, *LEFT_OUT})
OF_INTEREST = DefaultFilter(ignore_dirs=tuple(IGNORED_FOLDERS))


def is_of_interest(path: str, folder: Path) -> bool:
    """Say if a path in a folder is a learner's work, and no cache, swap file or the like."""
    return OF_INTEREST(Change.modified, os.path.relpath(path, folder))


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 of a folder's files and names; what editors leave there does not count.

    Of a file that can't be read only the name counts: the grade says what is wrong with it.
    """
    digest = hashlib.sha256()
    for path in sorted(_paths(folder)):
        with contextlib.suppress(FileNotFoundError):  # it was removed while we looked
            content = _content(path)
            digest.update(os.fsencode(f"{path.relative_to(folder)}\0{len(content)}\0"))
            digest.update(content)
    return digest.hexdigest()


def _paths(folder: Path) -> Iterator[Path]:
    """Yield what is of interest; folders with thousands of other files are not even entered."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if one not in IGNORED_FOLDERS]
        paths = (Path(parent, name) for name in names)
        yield from (one for one in paths if is_of_interest(str(one), folder))


def _content(path: Path) -> bytes:
    """Return what a file holds, and nothing if it can't be read; FileNotFoundError: it is gone."""
    try:
        return path.read_bytes() if path.is_file() else b""  # a pipe would keep us waiting
    except FileNotFoundError:
        raise
    except OSError:
        return b""
