"""A command under its guard: started, spoken to, stopped with all its descendants."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from graders.errors import MachineError
from graders.processes.guard import descendants

GUARD = Path(__file__).with_name("guard.py")
GUARD_TIMEOUT_S = 10.0


class Supervised:
    """A running command; leaving the context stops it and everything it started.

    `log` is written by the guard and never grows past 2 MiB. `depth` is how many programs, started
    one by the other, stand around the real command, which gets the stop signal.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_s: float = 2.0,
        depth: int = 0,
    ) -> None:
        self.log = log
        self.grace_s = grace_s
        guard = [sys.executable, "-I", "-S", str(GUARD), str(log)]
        guard += [str(int(stop_signal)), str(grace_s), str(depth), *command]
        self._guard = subprocess.Popen(
            guard,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._ended = threading.Event()
        self._code: int | None = None
        self.guard_pid = self._guard.pid
        self.pid = self._read_pid()
        self._obeyed = threading.Semaphore(0)
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _read_pid(self) -> int:
        assert self._guard.stdout
        word, _, number = self._guard.stdout.readline().decode().partition(" ")
        if word != "pid":
            raise MachineError(
                f"The guard process for {self.log.stem!r} ended before it started its command.",
                "Run `lab doctor`; it tries every part the grader needs.",
            )
        return int(number)

    def _listen(self) -> None:
        assert self._guard.stdout
        code = -int(signal.SIGKILL)
        for line in self._guard.stdout:
            word, _, number = line.decode().partition(" ")
            if word == "exit":
                code = int(number)
                break
            self._obeyed.release()
        self._code = code
        self._ended.set()
        self._obeyed.release()  # nobody waits for the dead

    def exit_code(self, timeout_s: float = 0.0) -> int | None:
        """Return the exit code (negative: a signal), or None if it still runs after `timeout_s`."""
        self._ended.wait(timeout_s)
        return self._code

    def _order(self, word: str) -> None:
        if self._ended.is_set():
            return
        assert self._guard.stdin
        try:
            self._guard.stdin.write(f"{word}\n".encode())
            self._guard.stdin.flush()
            self._obeyed.acquire(timeout=GUARD_TIMEOUT_S)
        except (OSError, ValueError):  # the command has ended, or was stopped before
            self.exit_code(GUARD_TIMEOUT_S)

    def pause(self) -> None:
        """Stop the clock of the whole process tree (SIGSTOP)."""
        self._order("pause")

    def resume(self) -> None:
        """Let a paused process tree go on (SIGCONT)."""
        self._order("resume")

    def kill(self) -> None:
        """SIGKILL the whole process tree and wait until it is gone."""
        self._order("kill")
        self.exit_code(GUARD_TIMEOUT_S)
        self.stop()

    def stop(self) -> None:
        """End the command politely, then its descendants by force, and wait until all are gone."""
        assert self._guard.stdin
        with contextlib.suppress(OSError):  # the guard may have ended by itself
            self._guard.stdin.close()
        self._guard.wait(self.grace_s + GUARD_TIMEOUT_S)
        self.exit_code(GUARD_TIMEOUT_S)

    def process_ids(self) -> list[int]:
        """Every process of the tree: the command and all its descendants."""
        if sys.platform == "linux":
            return descendants(self.guard_pid)  # also quick where there are thousands
        try:
            return [process.pid for process in psutil.Process(self.guard_pid).children(True)]
        except psutil.NoSuchProcess:
            return []

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines of the command's output, oldest first."""
        text = b""
        for path in (Path(f"{self.log}.old"), self.log):
            if path.exists():
                with path.open("rb") as file:
                    file.seek(max(0, os.fstat(file.fileno()).st_size - 200 * lines))
                    text += file.read()
        return tuple(text.decode(errors="replace").splitlines()[-lines:])
