"""Grade one folder once, for the watcher: start services, wait for a job, stream results.

Run as `python -m graders.watch.child LAB FOLDER SERVICES EVENTS`: lines of JSON go to the file
descriptor EVENTS, the job comes on standard input. SIGINT cancels: all is unwound, nothing is
recorded.
"""

import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO, cast

from graders import attempts
from graders.attempts import Wishes
from graders.checks import fixtures, plugin  # pytest would import them after the save
from graders.checks.context import Place, open_place
from graders.errors import GradingError
from graders.model import START, PhaseBegun, Problem
from graders.processes import run_folder
from graders.report.printable import printable
from graders.services import ServicesMode
from graders.watch.content import fingerprint
from graders.watch.messages import Job, Message, Ready, Recorded, from_line, to_line

PRELOADED = (fixtures, plugin)
CANCELLED = 130


def main() -> int:
    """Grade when told to; the exit code of the verdict."""
    signal.signal(signal.SIGINT, _interrupt_once)
    lab, folder, services, descriptor = sys.argv[1:]
    wishes = Wishes(lab, Path(folder), services=cast(ServicesMode, services))
    with os.fdopen(int(descriptor), "w", buffering=1, encoding="utf-8") as events:
        try:
            _tell(events, PhaseBegun(START))
            with _services_ahead(wishes, events) as ahead:
                _tell(events, Ready())
                line = sys.stdin.readline()
                return _grade(wishes, from_line(line), ahead, events) if line else CANCELLED
        except (KeyboardInterrupt, BrokenPipeError):
            return CANCELLED


@dataclass(frozen=True)
class Ahead:
    """Services that run already, for a lab as it was then."""

    place: Place
    lab_content: str


@contextlib.contextmanager
def _services_ahead(wishes: Wishes, events: TextIO) -> Iterator[Ahead | None]:
    """Start the lab's services before there is a job; what is wrong, the job will tell."""
    with contextlib.ExitStack() as stack:
        ahead = None
        with contextlib.suppress(GradingError, OSError):
            order = attempts.order(wishes)
            content = fingerprint(order.lab)
            place = open_place(
                order, stack.enter_context(run_folder()), lambda now: _tell(events, now)
            )
            ahead = Ahead(stack.enter_context(place), content)
        yield ahead


def _grade(wishes: Wishes, job: Job, ahead: Ahead | None, events: TextIO) -> int:
    asked = dataclasses.replace(
        wishes,
        requirements=job.requirements,
        run_all=job.run_all,
        seed=job.seed,
        first=job.first,
    )
    try:
        order = attempts.order(asked)
        # Whoever writes a lab may have changed what its services hold.
        usable = ahead and ahead.lab_content == fingerprint(order.lab)
        report, written = attempts.attempt(
            order,
            lambda happening: _tell(events, happening),
            record=True,
            out=None,
            place=ahead.place if ahead and usable else None,
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
