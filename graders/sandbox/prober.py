"""Try to get out of a sandbox, harmlessly: run inside it, by the probes.

A stand-alone script (standard library only). Its arguments name what lies outside; for each way out
it prints one line: name, `contained` or `escaped`, and what was found.
"""

import argparse
import ctypes
import errno
import os
import socket
import time
from collections.abc import Callable

NEW_USER_NAMESPACE = 0x10000000
ELSEWHERE = ("192.0.2.1", 9)  # an address reserved for documentation: nobody is there


def read(canary: str) -> None:
    """Read a file of the grader's."""
    with open(canary) as file:  # noqa: PTH123
        file.read()


def change_system() -> None:
    """Write among the programs of the system."""
    with open("/usr/lab-probe", "w"):  # noqa: PTH123
        os.unlink("/usr/lab-probe")  # noqa: PTH108


def see() -> None:
    """Find the guard, which the grader starts for every command, by its command line."""
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            if b"guard.py" in file.read():
                return
    raise LookupError("no process of the grader's is to be seen")


def signal_grader(pid: int) -> None:
    """Reach the grader with a signal; number 0 does no harm."""
    os.kill(pid, 0)


def connect(family: int, address: str | tuple[str, int]) -> None:
    """Open a TCP or Unix connection."""
    with socket.socket(family) as connection:
        connection.settimeout(1.0)
        connection.connect(address)


def send_elsewhere() -> None:
    """Send a datagram to another machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"probe", ELSEWHERE)


def new_namespace() -> None:
    """Become root of a user namespace."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_USER_NAMESPACE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def fill_disk(limit_bytes: int) -> None:
    """Find more room than the submission's folder may have."""
    room = os.statvfs(".")
    if room.f_blocks * room.f_frsize <= limit_bytes:
        raise OSError(errno.ENOSPC, f"room for {limit_bytes >> 20} MiB")


def fork(limit: int) -> None:
    """Start more processes than a submission may have."""
    children = []
    try:
        for _ in range(limit + 1):
            pid = os.fork()
            if pid == 0:
                time.sleep(10)
                os._exit(0)
            children.append(pid)
    finally:
        for pid in children:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def attempt(name: str, escape: Callable[[], None]) -> None:
    """Say whether an escape worked."""
    try:
        escape()
        tell(f"{name}\tescaped\tit worked")
    except (OSError, LookupError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        tell(f"{name}\tcontained\t{reason}")


def tell(line: str) -> None:
    """Answer the probes, at once: a child must not say it again."""
    os.write(1, f"{line}\n".encode())


def main() -> None:
    """Try everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--abstract", required=True)
    parser.add_argument("--work-bytes", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    seen = parser.parse_args()
    abstract, port = f"\0{seen.abstract}", ("127.0.0.1", seen.port)
    attempt("read the grader's files", lambda: read(seen.file))
    attempt("change the system", change_system)
    attempt("see the grader's processes", see)
    attempt("signal the grader", lambda: signal_grader(seen.pid))
    attempt("reach ports of this machine", lambda: connect(socket.AF_INET, port))
    attempt("reach abstract sockets", lambda: connect(socket.AF_UNIX, abstract))
    attempt("reach other machines", send_elsewhere)
    attempt("make namespaces", new_namespace)
    attempt("fill the disk", lambda: fill_disk(seen.work_bytes))
    attempt("flood with processes", lambda: fork(seen.processes))


if __name__ == "__main__":
    main()
