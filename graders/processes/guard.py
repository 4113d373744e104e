"""Run one command and take its whole process tree away when told to, or when the grader is gone.

A stand-alone script (standard library only) that the grader starts as
`python -I -S guard.py LOG STOP_SIGNAL GRACE_S DEPTH command ...`: the number of the signal, and how
many programs around the real command are started by the one that is named.

Standard input is the lifeline. Lines on it are orders (`pause`, `resume`, `kill`); its end,
which also comes when the grader is killed with SIGKILL, means stop: the stop signal, a grace, then
SIGKILL for every descendant. Standard output tells the grader `pid N`, `done` for each order, and
`exit CODE`.
The guard is a child subreaper, so daemonised grandchildren stay within reach.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_PATIENCE_S = 2.0
LOG_HALF_BYTES = 1 << 20
LOG_BYTES_PER_S = 16 << 20


class CappedLog:
    """A log on disk that never grows past two halves: FILE and FILE.old."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = open(path, "wb", buffering=0)  # noqa: PTH123, SIM115 - pathlib costs start-up time
        self.second, self.bytes_this_second = 0, 0

    def write(self, chunk: bytes) -> None:
        """Append, turn over when full, and slow a command down that writes without end."""
        with contextlib.suppress(OSError):  # a full disk must not end the guard
            if self.file.tell() + len(chunk) > LOG_HALF_BYTES:
                self.file.close()
                os.replace(self.path, self.path + ".old")  # noqa: PTH105
                self.file = open(self.path, "wb", buffering=0)  # noqa: PTH123, SIM115
            self.file.write(chunk)
        self._brake(len(chunk))

    def _brake(self, size: int) -> None:
        now = int(time.monotonic())
        if now != self.second:
            self.second, self.bytes_this_second = now, 0
        self.bytes_this_second += size
        if self.bytes_this_second > LOG_BYTES_PER_S:
            time.sleep(0.02)


def prctl(option: int, value: int) -> None:
    """Call prctl(2); where there is none (macOS) the process group alone must do."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def start(command: list[str], output: int) -> int:
    """Fork and exec `command` in a session of its own; return its process id."""
    guard_pid = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, IGNORED)  # none may get lost before the exec
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED)
        return pid
    try:
        os.setsid()
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)  # what is ignored here stays ignored after exec
        signal.pthread_sigmask(signal.SIG_UNBLOCK, IGNORED)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard_pid:
            os._exit(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        os.write(2, f"cannot run {command[0]!r}: {error.strerror}\n".encode())
    os._exit(127)


def children_of(pid: int) -> list[int]:
    """Direct children of a process, over all its threads."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    return found


def descendants(root: int) -> list[int]:
    """Everything below a process, parents first."""
    found, queue = [], children_of(root)
    while queue:
        pid = queue.pop(0)
        found.append(pid)
        queue += children_of(pid)
    return found


def signal_tree(child: int, number: int) -> None:
    """Send a signal to every descendant and to the command's process group."""
    for pid in descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, number)


def reap(child: int) -> int | None:
    """Collect the dead; return the command's exit code once it is among them."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
    return code


def all_stopped() -> bool:
    """Say if every thread of every descendant is stopped or dead."""
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
                with open(f"/proc/{pid}/task/{thread}/stat") as file:  # noqa: PTH123
                    if file.read().rpartition(")")[2].split()[0] not in "TtZX":
                        return False
    return True


def kill_all(child: int) -> None:
    """SIGKILL until nothing is left below this guard (a fork bomb takes several rounds)."""
    while True:
        signal_tree(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass  # looking for thousands anew after each of them would take minutes
        except ChildProcessError:
            return


def stop(child: int, depth: int, stop_signal: int, grace_s: float) -> int | None:
    """Ask the command to end and give it `grace_s` seconds; its exit code if it did."""
    signal_tree(child, signal.SIGCONT)
    command = child
    for _ in range(depth):
        command = next(iter(children_of(command)), command)
    with contextlib.suppress(ProcessLookupError):
        os.kill(command, stop_signal)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline:
        code = reap(child)
        if code is not None:
            return code
        time.sleep(0.005)
    return None


def obey(order: bytes, child: int) -> None:
    """Carry out one line that came down the lifeline."""
    signals = {b"pause": signal.SIGSTOP, b"resume": signal.SIGCONT, b"kill": signal.SIGKILL}
    if order in signals:
        signal_tree(child, signals[order])
    deadline = time.monotonic() + STOP_PATIENCE_S
    while order == b"pause" and not all_stopped() and time.monotonic() < deadline:
        time.sleep(0.001)  # a thread stops when it is scheduled next, not before


def tell(line: str) -> None:
    """Tell the grader, who may be gone."""
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def watch(child: int, output: int, log: CappedLog) -> int | None:
    """Pump output and orders until the command exits (its code) or the lifeline ends (None)."""
    died, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    while True:
        code = reap(child)
        if code is not None:
            return code
        ready, _, _ = select.select([0, output, died], [], [])
        if output in ready:
            log.write(os.read(output, 1 << 16))
        if died in ready:
            os.read(died, 4096)
        if 0 in ready:
            orders = os.read(0, 4096)
            if not orders:
                return None
            for order in orders.split():
                obey(order, child)
                tell("done")


def drain(output: int, log: CappedLog) -> None:
    """Write what the command said last, at most one log's worth."""
    os.set_blocking(output, False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(16):
            log.write(os.read(output, 1 << 16))


def main() -> None:
    """Guard one command from start to the last of its descendants."""
    # argparse would take a third of the time that a guard needs to start
    log_path, stop_signal, grace_s, depth, *command = sys.argv[1:]
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)  # only the lifeline decides
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    log = CappedLog(log_path)
    output, child_end = os.pipe()
    child = start(command, child_end)
    tell(f"pid {child}")
    code = watch(child, output, log)
    if code is None:
        code = stop(child, int(depth), int(stop_signal), float(grace_s))
    kill_all(child)
    drain(output, log)
    tell(f"exit {-signal.SIGKILL if code is None else code}")


if __name__ == "__main__":
    main()
    sys.exit(0)
