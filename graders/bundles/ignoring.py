"""What a folder's `.gitignore` files leave out, as Git reads them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec.patterns.gitignore import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from graders import archives, submission
from graders.errors import SubmissionError

GITIGNORE = ".gitignore"
ANY_FOLDER = ("*/", "!*/", "**/", "!**/")
NEVER_PACKED = {*submission.LEFT_OUT, *archives.LEFT_OUT}


@dataclass(frozen=True)
class Found:
    """A file, or a folder that is left out whole; `left_out_by` is empty for what stays."""

    path: PurePosixPath
    left_out_by: str = ""


@dataclass(frozen=True)
class Rules:
    """One `.gitignore`, and the folder it lies in."""

    folder: PurePosixPath
    patterns: tuple[GitIgnoreSpecPattern, ...]

    def ignored(self, path: PurePosixPath, is_folder: bool) -> bool | None:
        """Say if a file or folder is ignored; None where no pattern speaks of it."""
        name = path.relative_to(self.folder).as_posix() + "/" * is_folder
        return next((one.include for one in reversed(self.patterns) if _means(one, name)), None)


def _means(pattern: GitIgnoreSpecPattern, path: str) -> bool:
    """Say if a pattern matches a path itself, and not only a folder on the way to it.

    The library matches both, because it is asked about files only. A walk asks about each folder
    before it enters, as Git does, so the folder's own answer must not reach into it.
    """
    found = pattern.match_file(path)
    if not found:
        return False
    if pattern.pattern in ANY_FOLDER:
        return path.endswith("/")
    matched = str(found.match.group())
    if str(pattern.pattern).endswith("/**"):
        return len(matched) < len(path)
    return len(matched) == len(path) or not matched.endswith("/")


def walk(folder: Path) -> Iterator[Found]:
    """Yield the files of a folder sorted by path, and what is left out and why.

    Only `.gitignore` files in the folder count: those above it belong to other work.
    """
    yield from _walk(folder, PurePosixPath(), ())


def _walk(top: Path, folder: PurePosixPath, outer: tuple[Rules, ...]) -> Iterator[Found]:
    if len(folder.parts) >= archives.LIMIT_DEPTH:
        raise SubmissionError(
            f"{top / folder} lies {len(folder.parts)} folders deep; a submission may have "
            f"{archives.LIMIT_DEPTH - 1}.",
            f"Move it up, or name it in {top / GITIGNORE}.",
        )
    rules = (*_rules(top, folder), *outer)
    with os.scandir(top / folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            path, is_folder = folder / entry.name, entry.is_dir(follow_symlinks=False)
            if entry.name in NEVER_PACKED:
                yield Found(path, "the kit")
            elif _ignored(path, is_folder, rules):
                yield Found(path, GITIGNORE)
            elif is_folder:
                yield from _walk(top, path, rules)
            else:
                yield Found(path)


def _ignored(path: PurePosixPath, is_folder: bool, rules: tuple[Rules, ...]) -> bool:
    """Ask the `.gitignore` files from the innermost outwards: the first that knows decides."""
    answers = (one.ignored(path, is_folder) for one in rules)
    return next((answer for answer in answers if answer is not None), False)


def _rules(top: Path, folder: PurePosixPath) -> Iterator[Rules]:
    file = top / folder / GITIGNORE
    if file.is_file() and not file.is_symlink():
        text = file.read_text(encoding="utf-8-sig", errors="surrogateescape")
        yield Rules(folder, tuple(_patterns(text)))


def _patterns(text: str) -> Iterator[GitIgnoreSpecPattern]:
    for line in text.splitlines():
        with suppress(GitIgnorePatternError):  # to Git, such a line matches nothing
            yield GitIgnoreSpecPattern(line)
