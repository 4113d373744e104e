"""A submission packed for handing in: which files, how many, and nothing that is a secret."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graders.archives import unpack
from graders.bundles.container import Member, packed
from graders.bundles.ignoring import GITIGNORE, Found, walk
from graders.bundles.leaks import MARK, leaks
from graders.errors import SubmissionError, UsageError
from graders.processes import run_folder
from graders.state import content_hash

LIMIT_FILE_BYTES = 5 << 20
LIMIT_FILES = 1_000
LIMIT_TOTAL_BYTES = 20 << 20
FOLDER = "submission"


@dataclass(frozen=True)
class Packed:
    """The files of a submission, by path, and what was left out (folders end with a slash)."""

    source: Path
    files: dict[str, Member]
    left_out: tuple[Found, ...]
    content_hash: str

    @property
    def size_bytes(self) -> int:
        """The size of all files together."""
        return sum(len(one.content) for one in self.files.values())


def pack(source: Path) -> Packed:
    """Read what is to be handed in of a folder.

    SubmissionError names links, secrets, and what goes beyond a limit, and how to leave it out.
    """
    if not source.is_dir():
        raise UsageError(
            f"There is no folder {source} to hand in.",
            "Name the folder that holds your work: --from FOLDER.",
        )
    try:
        found = list(walk(source))
        files = _read(source, [str(one.path) for one in found if not one.left_out_by])
    except OSError as error:
        raise SubmissionError(
            f"{error.filename} can't be read: {error.strerror}.",
            f"Make it readable, or name it in {source / GITIGNORE}.",
        ) from None
    _require_no_secrets(source, files)
    left_out = tuple(one for one in found if one.left_out_by)
    try:
        return Packed(source, files, left_out, hash_of(files))
    except SubmissionError as error:  # of names that are not the same everywhere
        raise SubmissionError(
            f"{source} can't be packed: {error.problem}",
            f"Rename what is named there, or name it in {source / GITIGNORE}.",
        ) from None


def hash_of(files: dict[str, Member]) -> str:
    """Return the content hash a grade of these files has; SubmissionError for odd names."""
    with archived(files) as archive:
        return content_hash(unpack(archive, archive.with_name("unpacked")))


@contextmanager
def archived(files: dict[str, Member]) -> Iterator[Path]:
    """Give an archive of these files, to be graded as any stranger's."""
    with run_folder() as folder:
        archive = folder / f"{FOLDER}.zip"
        # Below a folder of their own: one folder alone at the top would be taken for the whole.
        archive.write_bytes(packed({f"{FOLDER}/{path}": one for path, one in files.items()}))
        yield archive


def _read(source: Path, paths: list[str]) -> dict[str, Member]:
    if not paths:
        raise SubmissionError(
            f"Nothing in {source} is left to hand in.",
            f"Write something, or look what {source / GITIGNORE} leaves out.",
        )
    if len(paths) > LIMIT_FILES:
        raise SubmissionError(
            f"{source} has {len(paths)} files to hand in; a submission may have {LIMIT_FILES}.",
            _leave_out(source, "what can be made or downloaded again"),
        )
    files, total_bytes = {}, 0
    for path in paths:
        files[path] = _member(source, path)
        total_bytes += len(files[path].content)
        if total_bytes > LIMIT_TOTAL_BYTES:
            raise SubmissionError(
                f"The files of {source} have more than {LIMIT_TOTAL_BYTES >> 20} MiB together, "
                "the most a submission may have.",
                _leave_out(source, "what is large and not your work, such as data"),
                _largest(source, paths),
            )
    return files


def _member(source: Path, path: str) -> Member:
    file = source / path
    status = file.lstat()
    if not stat.S_ISREG(status.st_mode):
        what = "a symbolic link" if file.is_symlink() else "no regular file"
        raise SubmissionError(
            f"{file} is {what}; a submission is handed in as regular files only.",
            f"Put the file itself there, or name it in {source / GITIGNORE}.",
        )
    if status.st_size > LIMIT_FILE_BYTES:
        raise SubmissionError(
            f"{file} has {status.st_size / (1 << 20):.1f} MiB; a file may have "
            f"{LIMIT_FILE_BYTES >> 20} MiB.",
            _leave_out(source, path),
        )
    try:
        path.encode()
    except UnicodeEncodeError:
        raise SubmissionError(f"The name {path!r} is no Unicode.", "Rename that file.") from None
    return Member(file.read_bytes(), bool(status.st_mode & 0o111))


def _largest(source: Path, paths: list[str]) -> list[str]:
    sizes = sorted(((source / path).lstat().st_size, path) for path in paths)
    return [f"{size_bytes / (1 << 20):6.1f} MiB  {path}" for size_bytes, path in sizes[:-6:-1]]


def _leave_out(source: Path, what: str) -> str:
    return f"Name {what} in {source / GITIGNORE}; what `build` can make need not be handed in."


def _require_no_secrets(source: Path, files: dict[str, Member]) -> None:
    found = list(leaks({path: one.content for path, one in files.items()}))
    if found:
        raise SubmissionError(
            f"{source} holds what looks like {len(found)} secret{'s' * (len(found) > 1)}; "
            "others will read what you hand in.",
            f"Take each out of its file and into the environment, or name the file in "
            f"{source / GITIGNORE}; a real one that others have seen, replace where it was "
            f"issued. Where one is made up, write `{MARK}` on its line.",
            found,
        )
