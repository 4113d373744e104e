"""Keeping texts on this machine, whole or not at all."""

import contextlib
from pathlib import Path

from graders.errors import UsageError
from graders.processes import disk_error


def keep(path: Path, text: str) -> None:
    """Write a file in the place of what is there; MachineError where that can't be done."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise disk_error(error, path) from None


def keep_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; UsageError says so where one is: it may be edited."""
    if path.exists():
        raise UsageError(f"{path} exists already.", "Name another file, or remove it first.")
    keep(path, text)
