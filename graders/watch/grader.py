"""The child that grades: one for each job, started ahead, cancelled until nothing of it is left."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil

from graders.model import Problem
from graders.processes import die_with_parent
from graders.state import cache_folder
from graders.watch.messages import Job, Recorded, from_line, to_line

CHUNK_BYTES = 1 << 16
LOG_LINES = 10
UNWINDING_S = 30.0  # PostgreSQL alone may take half of it to shut down
POLL_S = 0.02
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


class Child:
    """One grading process. It imports what it needs at once, and grades when it is given a job."""

    def __init__(self, command: list[str]) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        self._events, self._unread = reader, b""
        self._heard = False
        self._process = subprocess.Popen(
            [*command, str(writer)],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[writer],
            start_new_session=True,  # Ctrl-C is for the watcher, who decides
            preexec_fn=die_with_parent,
        )
        os.close(writer)
        self._family: list[psutil.Process] = []
        self._cancelled_s: float | None = None
        self.answered = False

    @property
    def was_cancelled(self) -> bool:
        """Say if it was asked to unwind."""
        return self._cancelled_s is not None

    def give(self, job: Job) -> None:
        """Tell it what to grade."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it ended before; what it wrote says why
            self._process.stdin.write(to_line(job).encode() + b"\n")
            self._process.stdin.flush()

    def messages(self) -> Iterator[Any]:
        """Yield what it said since the last time, without waiting."""
        self._hear()
        *lines, self._unread = self._unread.split(b"\n")
        yield from (from_line(line) for line in lines)

    def cancel(self) -> None:
        """Ask it to unwind: services and submission end, nothing is recorded.

        Before its first word it does not listen for signals yet, and has started nothing.
        """
        if self._cancelled_s is None:
            self._cancelled_s = time.monotonic()
            self._hear()
            self._remember_family()
            self._process.send_signal(signal.SIGINT if self._heard else signal.SIGKILL)

    def is_gone(self) -> bool:
        """Say if it has ended, with everything it started; kill it when unwinding takes too long.

        Its guards then end services and submission by themselves.
        """
        if self._process.poll() is None:
            late = self._cancelled_s and time.monotonic() - self._cancelled_s > UNWINDING_S
            if late:
                self._process.kill()
            return False
        return not any(_lives(one) for one in self._family)

    def close(self) -> None:
        """End it and wait until it is gone."""
        self.cancel()
        while not self.is_gone():
            time.sleep(POLL_S)
        os.close(self._events)
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._log.close()

    def failure(self) -> Problem:
        """Say that it ended without an answer, with what it wrote last."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return Problem(
            "machine",
            f"The grading process ended with exit code {self._process.returncode} "
            "and without an answer.",
            "Try `lab doctor`; the last lines of the process are below.",
            tuple(lines[-LOG_LINES:]),
        )

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._events, CHUNK_BYTES):
                self._unread += chunk
                self._heard = True

    def _remember_family(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self._family = psutil.Process(self._process.pid).children(recursive=True)


def _environment() -> dict[str, str]:
    """Return the environment; who wants no bytecode beside sources has it in the cache.

    Without any, each child would compile all it imports, for seconds.
    """
    if NO_BYTECODE not in os.environ:
        return dict(os.environ)
    kept = {key: one for key, one in os.environ.items() if key != NO_BYTECODE}
    return {**kept, "PYTHONPYCACHEPREFIX": str(cache_folder() / "bytecode")}


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@dataclass
class Grader:
    """Starts children for one lab and one folder: one at work, and the next one ready."""

    lab: Path
    folder: Path
    services: str
    at_work: Child | None = None
    ahead: Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        children = [one for one in (self.at_work, self.ahead) if one]
        for one in children:
            one.cancel()
        for one in children:
            one.close()
        self.at_work = self.ahead = None

    def prepare(self) -> None:
        """Start the next child while nobody waits for it."""
        self.ahead = self.ahead or self._child()

    def begin(self, job: Job) -> None:
        """Let a child do a job; there must be none at work."""
        assert self.at_work is None
        self.prepare()
        self.at_work, self.ahead = self.ahead, None
        assert self.at_work
        self.at_work.give(job)

    def cancel(self) -> None:
        """Cancel the job at work; `happened` goes on until it is gone."""
        if self.at_work:
            self.at_work.cancel()

    def happened(self) -> Iterator[Any]:
        """Yield what the child at work said; `None` once it is gone, the last thing it says."""
        child = self.at_work
        if not child:
            return
        gone = child.is_gone()  # asked first: what it says before its end is read below
        for message in child.messages():
            child.answered = child.answered or isinstance(message, Recorded | Problem)
            yield message
        if gone:
            self.at_work = None
            if not child.answered and not child.was_cancelled:
                yield child.failure()
            child.close()
            yield None

    def _child(self) -> Child:
        command = [sys.executable, "-m", "graders.watch.child"]
        return Child([*command, str(self.lab), str(self.folder), self.services])
