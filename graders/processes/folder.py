"""The temporary folder of one run, gone afterwards even when the grader is killed."""

import errno
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graders.errors import MachineError

SWEEPER = Path(__file__).with_name("sweeper.py")


@contextmanager
def run_folder() -> Iterator[Path]:
    """Give a private folder (mode 0700) with a short path, as Unix sockets need."""
    folder = Path(tempfile.gettempdir()) / f"lab-{secrets.token_hex(6)}"
    sweeper = subprocess.Popen(  # before the folder: no end of ours can fall between the two
        [sys.executable, "-I", "-S", str(SWEEPER), str(folder)],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise disk_error(error, folder) from error
        yield folder
    finally:
        assert sweeper.stdin
        sweeper.stdin.close()
        sweeper.wait()


@contextmanager
def made_whole(target: Path) -> Iterator[Path]:
    """Give a path to make a folder at; it becomes `target` once it is whole, or never.

    What an earlier attempt left there is removed first.
    """
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    yield partial
    partial.rename(target)


def disk_error(error: OSError, where: object) -> MachineError:
    """Say what the file system refused, and what to do about it."""
    place, reason = error.filename or where, str(error.strerror or error)
    if isinstance(error, shutil.Error):  # what copytree could not copy: source, target, reason
        _, place, reason = error.args[0][0]
    if any(os.strerror(code) in reason for code in (errno.ENOSPC, errno.EDQUOT)):
        return MachineError(
            f"The disk is full: no space left to write to {place}.",
            "Free some space (a grade needs about 300 MB), or set TMPDIR to a folder elsewhere.",
        )
    return MachineError(
        f"Cannot write to {place}: {reason}.",
        "Make that folder writable for you, or set TMPDIR and LAB_HOME to folders that are.",
    )
