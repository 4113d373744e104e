"""Starting the servers and the hogs of benchmarks."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from graders.load import Target
from graders.processes import Supervised
from graders.sandbox import HostNetwork

HOG_LIFE_S = 300
HOG = f"import time\nend_s = time.time() + {HOG_LIFE_S}\nwhile time.time() < end_s: pass"
LEAVE_BEHIND = (
    "import subprocess, sys; nowhere = subprocess.DEVNULL; "
    "hog = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=nowhere, stderr=nowhere); "
    "print(hog.pid)"
)


@contextmanager
def running(law: str, folder: Path) -> Iterator[Target]:
    """Run a server of a law; what to load, once it listens."""
    port = HostNetwork().free_port()
    with _python(["-m", "benchmarks.servers", law, str(port)], folder) as server:
        _wait_until_open(port)
        yield Target((f"http://127.0.0.1:{port}",), tuple(server.process_ids()))


@contextmanager
def hog() -> Iterator[None]:
    """Keep one core busy by a process that is no descendant of ours, as a stranger's would be."""
    started = subprocess.run(
        [sys.executable, "-c", LEAVE_BEHIND, HOG], capture_output=True, text=True, check=True
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(started.stdout), signal.SIGKILL)


@contextmanager
def _python(arguments: Sequence[str], folder: Path) -> Iterator[Supervised]:
    log = folder / f"{arguments[-2]}-{arguments[-1]}.log"
    command = [sys.executable, *arguments]
    with Supervised(command, env=os.environ, cwd=Path.cwd(), log=log) as process:
        yield process


def _wait_until_open(port: int) -> None:
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
