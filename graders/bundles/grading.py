"""Submissions graded for a bundle, and graded again from one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from graders import attempts
from graders.attempts import Wishes
from graders.bundles.keys import Key
from graders.bundles.packing import Packed, archived
from graders.bundles.sealing import seal, versions_used
from graders.bundles.verifying import LEVEL, Bundle, verify
from graders.checks.context import Order
from graders.errors import UsageError
from graders.labs import LABS, find_lab
from graders.model import Progress, Report
from graders.processes import disk_error


@dataclass(frozen=True)
class Graded:
    """A packed submission, how it was graded, and its report with the folder it lies in."""

    submission: Packed
    order: Order
    report: Report
    folder: Path

    @property
    def conditions(self) -> dict[str, str]:
        """What the grade ran on, by the names that a bundle has for it."""
        return {**versions_used(self.order, self.report), LEVEL: self.order.containment.level}


def grade(
    submission: Packed,
    wishes: Wishes,
    shown: Callable[[Order], AbstractContextManager[Progress]],
    record: bool = True,
) -> Graded:
    """Grade a packed submission as any stranger's archive is; `shown` is told how far it is."""
    with archived(submission.files) as archive:
        wanted = replace(wishes, source=archive, untrusted=True, shown_as=str(submission.source))
        order = attempts.order(wanted)
        with shown(order) as progress:
            report, folder = attempts.attempt(order, progress, record, None)
    return Graded(submission, order, report, folder)


def sealed(graded: Graded, key: Key) -> bytes:
    """Return the bundle of a graded submission; it verifies."""
    bundle = seal(graded.order, graded.report, graded.folder, graded.submission, key)
    verify(bundle)  # it will be taken to where nothing can be mended
    return bundle


def repacked(bundle: Bundle, path: Path) -> Packed:
    """Return the submission in a bundle, to be graded again."""
    return Packed(path, bundle.files, (), bundle.manifest.content_hash)


def lab_of(bundle: Bundle, named: str | None) -> Path:
    """Return the lab to grade a bundle with: this kit's own, or the folder that was named.

    A bundle only says a name: it must not choose whose checks are run.
    """
    lab = find_lab(named) if named else LABS / bundle.manifest.lab
    if not (lab / "lab.toml").is_file():
        raise UsageError(
            f"The bundle is of the lab {bundle.manifest.lab!r}, which is not in {LABS}/.",
            "Name its folder: --lab FOLDER.",
        )
    if lab.resolve().name != bundle.manifest.lab:
        raise UsageError(
            f"The bundle is of the lab {bundle.manifest.lab!r}, not of {lab}.",
            "Name the folder of that lab.",
        )
    return lab


def write_bundle(bundle: bytes, path: Path) -> None:
    """Write a bundle, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(bundle)
        partial.replace(path)
    except OSError as error:
        raise disk_error(error, path) from None


def refuse_place(path: Path | None) -> None:
    """Raise, before minutes are spent, when a bundle could not be written to a path."""
    if path and path.exists() and not path.is_dir():
        raise UsageError(f"{path} exists already.", "Name another place, or remove it first.")


def place(path: Path | None, default: Path, report: Report) -> Path:
    """Return where to write a bundle: at `path`, or in it where it is a folder."""
    name = f"{report.lab}-{report.attempt}.bundle"
    if path and not path.is_dir():
        return path
    return (path or default) / name
