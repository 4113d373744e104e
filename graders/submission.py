"""A submission's own copy for one grade: snapshot, hash, build."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graders.errors import LabError, SubmissionError
from graders.manifest import Manifest, SubmissionFile, load_submission_file
from graders.sandbox import Workplace
from graders.state import content_hash

LEFT_OUT = (".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache")
LIMIT_BYTES = 500 << 20
BUILD_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Submission:
    """A snapshot of what is graded: nothing the learner saves during the run changes it."""

    place: Workplace
    file: SubmissionFile
    content_hash: str

    @property
    def folder(self) -> Path:
        """Where the snapshot lies, as the grader sees it."""
        return self.place.folder


def prepare(
    source: Path, lab: Path, manifest: Manifest, place: Workplace, logs: Path
) -> Submission:
    """Copy a submission (a mutant: its solution first, then its own files), and build it."""
    into = place.folder
    into.mkdir(exist_ok=True)
    with _readable(source):
        for layer in _layers(source, lab, manifest):
            _copy(layer, into)
        digest = content_hash(into)
    file = load_submission_file(into, manifest.submission, of=source)
    missing = [name for name in manifest.submission.files if not any(into.glob(name))]
    if missing:
        raise SubmissionError(
            f"{source} lacks what the lab asks for: {', '.join(missing)}.",
            "Copy it from the lab's starter, or create it as the handout says.",
        )
    place.hand_over()
    if file.build:
        _build(file.build, file, place, logs / f"{into.name}-build.log")
    return Submission(place, file, digest)


def _layers(source: Path, lab: Path, manifest: Manifest) -> list[Path]:
    if not source.is_dir():
        raise SubmissionError(f"{source} is no folder.", "Name the folder that holds your work.")
    if source.resolve().parent != (lab / "mutants").resolve():
        return [source]
    for mutant in manifest.mutants:
        if mutant.name == source.name:
            return [lab / mutant.of, source]
    raise LabError(
        f"{source} is no mutant of {lab / 'lab.toml'}.", "Add it there under [[mutants]]."
    )


@contextmanager
def _readable(source: Path) -> Iterator[None]:
    next_step = "Remove what is no regular file, and make the rest readable."
    try:
        yield
    except PermissionError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise SubmissionError(f"{source} can't be copied: {reason}.", next_step) from None
    except RecursionError:
        raise SubmissionError(
            f"{source} can't be copied: its folders are nested too deep.",
            "Remove the innermost of them.",
        ) from None
    except shutil.Error as error:
        _, _, reason = error.args[0][0]
        if os.strerror(errno.ENOSPC) in reason:
            raise
        raise SubmissionError(f"{source} can't be copied: {reason}.", next_step) from None


def _copy(source: Path, into: Path) -> None:
    size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    if size > LIMIT_BYTES:
        raise SubmissionError(
            f"{source} holds {size >> 20} MiB; a submission may have {LIMIT_BYTES >> 20} MiB.",
            "Move what the service does not need out of the folder.",
        )
    left_out = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(source, into, symlinks=True, dirs_exist_ok=True, ignore=left_out)


def _build(command: list[str], file: SubmissionFile, place: Workplace, log: Path) -> None:
    with place.start(command, file.env, log) as build:
        code = build.exit_code(BUILD_TIMEOUT_S)
    if code != 0:
        what = f"ended with exit code {code}" if code is not None else "took over 5 minutes"
        raise SubmissionError(
            f"The build command {' '.join(command)!r} {what}.",
            "Run it in your folder and correct what it reports.",
            build.log_tail(),
        )
