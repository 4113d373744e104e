"""Grading again on every save."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import watchfiles

from graders.processes import die_with_parent

WAKE_MS = 100


def grade_on_every_save(
    lab: str, folder: Path, options: Sequence[str], waiting: Callable[[], None]
) -> int:
    """Grade a folder now and after each change, until Ctrl-C; the last verdict's exit code.

    Each grade is a process of its own, so nothing of one run is left in the next.
    """
    command = [sys.executable, "-m", "graders", "grade", lab, "--from", str(folder), *options]
    code: int | None = None
    # It watches before the first grade already, so nothing saved during a grade is missed.
    changes = watchfiles.watch(
        folder, rust_timeout=WAKE_MS, yield_on_timeout=True, raise_interrupt=True
    )
    try:
        for changed in changes:
            if changed or code is None:
                code = subprocess.run(command, preexec_fn=die_with_parent).returncode
                waiting()
    except KeyboardInterrupt:
        if code is None:
            raise
    return code or 0
