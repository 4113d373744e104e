"""What this machine offers, found by trying, and what to do about what is missing."""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from graders.errors import GradingError, MachineError
from graders.processes import run_folder
from graders.sandbox import HostNetwork, contain
from graders.services import serve
from graders.services.account import unprivileged
from graders.services.binaries import postgres_bin, redis_server
from graders.state import cache_folder, state_folder


@dataclass(frozen=True)
class Finding:
    """One part of the machine: `next_step` is empty where all is well."""

    part: str
    well: bool
    what: str
    next_step: str = ""


def examine() -> Iterator[Finding]:
    """Try each part the grader needs, one after the other."""
    yield _python()
    yield Finding(
        "machine", True, f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    yield _writable("state", state_folder())
    yield _writable("temporary", Path(tempfile.gettempdir()))
    yield _try("postgres", lambda: f"programs in {postgres_bin()}{_account()}")
    yield _try("redis", lambda: f"program {redis_server()}")
    yield _try("services", _start_services)
    yield _external()
    yield _sandbox()


def _python() -> Finding:
    version = platform.python_version()
    well = sys.version_info >= (3, 11)
    return Finding("python", well, version, "" if well else "Install Python 3.11 or newer.")


def _writable(part: str, folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            return Finding(part, True, f"{folder} is writable")
    except OSError as error:
        variable = "LAB_HOME" if part == "state" else "TMPDIR"
        return Finding(
            part,
            False,
            f"{folder}: {error.strerror}",
            f"Set {variable} to a folder you may write to.",
        )


def _account() -> str:
    prefix = unprivileged().prefix
    return f", run for root through {prefix[0]}" if prefix else ""


def _start_services() -> str:
    with (
        run_folder() as folder,
        serve(
            ["postgres", "redis"], "embedded", folder, cache_folder(), [], HostNetwork()
        ) as servers,
        servers["postgres"].provision(),
        servers["redis"].provision(),
    ):
        return " and ".join(server.description for server in servers.values()) + " start and serve"


def _sandbox() -> Finding:
    """Say what strangers' work would run in; without a sandbox one's own can still be graded."""
    try:
        what = contain("bwrap", untrusted=True, cache=cache_folder()).sentence
    except MachineError as error:
        what = f"process only, for code you trust: {error.problem} {error.next_step}"
    return Finding("sandbox", True, what)


def _external() -> Finding:
    named = [name for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ]
    what = f"{' and '.join(named)} set" if named else "none named (DATABASE_URL, REDIS_URL not set)"
    return Finding("external", True, what)


def _try(part: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(part, True, attempt())
    except GradingError as error:
        return Finding(part, False, error.problem, error.next_step)
