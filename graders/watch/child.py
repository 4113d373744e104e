"""Grade one folder once, for the watcher: import all, then wait for a job, then stream results.

Run as `python -m graders.watch.child LAB FOLDER SERVICES EVENTS`: lines of JSON go to the file
descriptor EVENTS, the job comes on standard input. SIGINT cancels: all is unwound, nothing is
recorded.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO, cast

from graders import attempts
from graders.attempts import Wishes
from graders.checks import fixtures, plugin  # pytest would import them after the save
from graders.errors import GradingError
from graders.model import Problem
from graders.report.printable import printable
from graders.services import ServicesMode
from graders.watch.messages import Job, Message, Ready, Recorded, from_line, to_line

PRELOADED = (fixtures, plugin)
CANCELLED = 130


def main() -> int:
    """Grade when told to; the exit code of the verdict."""
    signal.signal(signal.SIGINT, _interrupt_once)
    lab, folder, services, descriptor = sys.argv[1:]
    with os.fdopen(int(descriptor), "w", buffering=1, encoding="utf-8") as events:
        try:
            _tell(events, Ready())
            line = sys.stdin.readline()
            if not line:
                return CANCELLED
            return _grade(lab, Path(folder), cast(ServicesMode, services), from_line(line), events)
        except (KeyboardInterrupt, BrokenPipeError):
            return CANCELLED


def _grade(lab: str, folder: Path, services: ServicesMode, job: Job, events: TextIO) -> int:
    wishes = Wishes(
        lab,
        folder,
        requirements=job.requirements,
        run_all=job.run_all,
        seed=job.seed,
        services=services,
        first=job.first,
    )
    try:
        report, written = attempts.attempt(
            attempts.order(wishes), lambda happening: _tell(events, happening), True, None
        )
    except GradingError as error:
        _tell(events, Problem(error.culprit, error.problem, error.next_step, error.log))
        return 2
    _tell(events, Recorded(str(written)))
    return report.verdict.exit_code


def _tell(events: TextIO, message: Message) -> None:
    events.write(to_line(printable(message)) + "\n")


def _interrupt_once(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # more of them must not disturb the unwinding
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
