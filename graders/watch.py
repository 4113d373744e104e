"""Grading again on every save."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import watchfiles


def grade_on_every_save(
    lab: str, folder: Path, options: Sequence[str], waiting: Callable[[], None]
) -> int:
    """Grade a folder now and after each change, until Ctrl-C; the last verdict's exit code.

    Each grade is a process of its own, so nothing of one run is left in the next.
    """
    command = [sys.executable, "-m", "graders", "grade", lab, "--from", str(folder), *options]
    code = subprocess.run(command).returncode
    waiting()
    try:
        for _changes in watchfiles.watch(folder, raise_interrupt=True):
            code = subprocess.run(command).returncode
            waiting()
    except KeyboardInterrupt:
        pass
    return code
