"""A submission's own copy for one grade: snapshot, hash, packages, build."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from graders.archives import is_archive, unpack
from graders.errors import LabError, SubmissionError
from graders.manifest import Manifest, SubmissionFile, SubmissionRules, load_submission_file
from graders.sandbox import PACKAGES, Workplace
from graders.state import content_hash

LEFT_OUT = (".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", PACKAGES)
LIMIT_BYTES = 500 << 20
BUILD_TIMEOUT_S = 300.0
SERVED = "submission"
"""The folder, below an app of the lab, that holds the files it serves."""
FOLLOWED_LINKS = 40  # then Linux gives up, and so do all others: it leads nowhere
REQUIREMENTS = "requirements.txt"
FROM_THE_MACHINE = re.compile(r"UV_.*|SSL_CERT_.*|(HTTPS?|NO|ALL)_PROXY", re.IGNORECASE)


@dataclass(frozen=True)
class Submission:
    """A snapshot of what is graded: nothing the learner saves during the run changes it.

    `original` is what was handed in: nothing the submission does changes it, so it may be read
    without care. Its commands run in `folder`, a copy; where an app of the lab serves it, the app
    lies there, and the copy below it.
    """

    original: Path
    place: Workplace
    file: SubmissionFile
    content_hash: str

    @property
    def folder(self) -> Path:
        """Where its commands run, as the grader sees it."""
        return self.place.folder


def prepare(
    source: Path, lab: Path, manifest: Manifest, place: Workplace, logs: Path, cache: Path
) -> Submission:
    """Copy a submission (a mutant: its solution first, then its own files), and build it.

    What its requirements.txt names is installed beside it, for Python to find; where its Dockerfile
    makes an image, that image has what it needs.
    """
    name = place.folder.name
    original = logs / f"{name}-original"
    with _readable(source):
        for layer in _layers(_unpacked(source, logs), lab, manifest):
            copy_checked(layer, original)
        digest = content_hash(original)
    file = load_submission_file(original, manifest.submission, of=source)
    missing = [one for one in manifest.submission.files if not any(original.glob(one))]
    if missing:
        raise SubmissionError(
            f"{source} lacks what the lab asks for: {', '.join(missing)}.",
            "Copy it from the lab's starter, or create it as the handout says.",
        )
    if manifest.submission.app:
        return _served(original, lab / manifest.submission.app, manifest, place, digest)
    copy_checked(original, place.folder)
    brings_image = place.build_image(original, logs / f"{name}-image.log")
    if (original / REQUIREMENTS).is_file() and not brings_image:
        _install(original / REQUIREMENTS, place, logs / f"{name}-packages.log", cache / "packages")
    place.hand_over()
    if file.build:
        _build(file.build, file, place, logs / f"{name}-build.log")
    return Submission(original, place, file, digest)


def _served(
    original: Path, app: Path, manifest: Manifest, place: Workplace, digest: str
) -> Submission:
    """Put files below the app of the lab that serves them, where it imports none of them."""
    copy_checked(app, place.folder)
    copy_checked(original, place.folder / SERVED)
    place.hand_over()
    try:
        file = load_submission_file(app, SubmissionRules(processes=manifest.submission.processes))
    except SubmissionError as error:
        raise LabError(error.problem, "Correct the app of the lab.") from None
    file = file.model_copy(update={"env": {**file.env, "SUBMISSION": SERVED}})
    return Submission(original, place, file, digest)


def _unpacked(source: Path, folder: Path) -> Path:
    return unpack(source, folder / "unpacked") if is_archive(source) else source


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


def copy_checked(source: Path, into: Path) -> None:
    """Copy a submission's folder; SubmissionError when it is too large, or a link leads out."""
    size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    if size > LIMIT_BYTES:
        raise SubmissionError(
            f"{source} holds {size >> 20} MiB; a submission may have {LIMIT_BYTES >> 20} MiB.",
            "Move what the service does not need out of the folder.",
        )
    for link in (path for path in source.rglob("*") if path.is_symlink()):
        if set(LEFT_OUT) & set(link.relative_to(source).parts):
            continue  # a .venv is full of links to the Python of the machine
        if _leads_out(link, source):
            raise SubmissionError(
                f"{link.relative_to(source)} in {source} is a link that leads out of the folder, "
                f"to {link.readlink()}.",
                "Put the file itself there, or a relative link to another file of the folder.",
            )
    left_out = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(source, into, symlinks=True, dirs_exist_ok=True, ignore=left_out)


def _leads_out(link: Path, folder: Path) -> bool:
    """Say if a link leaves the folder on its way, also where it would come back by name.

    What comes back is another folder in another place, and a copy lies in another place.
    """
    at, ahead, followed = list(link.relative_to(folder).parent.parts), [link.name], 0
    while ahead and followed < FOLLOWED_LINKS:
        part = ahead.pop(0)
        here = folder.joinpath(*at, part)
        if part == "..":
            if not at:
                return True
            at.pop()
        elif here.is_symlink():
            followed += 1
            ahead[:0] = here.readlink().parts
            if here.readlink().is_absolute():
                return True
        else:
            at.append(part)
    return False


def _install(requirements: Path, place: Workplace, log: Path, cache: Path) -> None:
    """Install wheels only: nothing of a package runs before the submission does."""
    cache.mkdir(parents=True, exist_ok=True)
    names = log.with_suffix(".txt")
    names.write_text("\n".join(_requirements(requirements)), encoding="utf-8")
    command = ["uv", "pip", "install", "--target", PACKAGES, "--python", "python"]
    command += ["--only-binary", ":all:", "--no-config", "--link-mode", "copy", "--quiet"]
    command += ["--cache-dir", str(cache), "--requirement", str(names)]
    env = {key: one for key, one in os.environ.items() if FROM_THE_MACHINE.fullmatch(key)}
    with place.fetch(command, env, log, reads=[names], writes=cache) as installing:
        code = installing.exit_code(BUILD_TIMEOUT_S)
    if code != 0:
        what = f"failed with exit code {code}" if code is not None else "took over 5 minutes"
        raise SubmissionError(
            f"Installing what {REQUIREMENTS} names {what}.",
            f"Try it: uv pip install --only-binary :all: -r {REQUIREMENTS}",
            installing.log_tail(),
        )


def _requirements(file: Path) -> list[str]:
    """Return the requirements of a file; only packages by name, with versions, markers, hashes."""
    try:
        text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    except UnicodeDecodeError as error:
        raise SubmissionError(
            f"{REQUIREMENTS} is no UTF-8: {error}.", "Save it as UTF-8."
        ) from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition(" #")[0].strip()
        if not words or words.startswith("#"):
            continue
        name, *hashes = re.split(r"\s+--hash[= ]", words)
        try:
            named = Requirement(name)
        except InvalidRequirement:
            named = None
        if not named or named.url:
            raise SubmissionError(
                f"{REQUIREMENTS}, line {number}: expected a package by its name, such as "
                f"`flask>=3`, got {line.strip()!r}.",
                "Leave out options, addresses and paths; what needs them belongs into `build`.",
            )
        found.append(" ".join([str(named), *(f"--hash={one.strip()}" for one in hashes)]))
    return found


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
