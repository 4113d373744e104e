"""What this machine offers, found by trying, and what to do about what is missing."""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from graders.containers.images import image_name
from graders.errors import GradingError, MachineError
from graders.processes import run_folder
from graders.sandbox import HostNetwork, OwnLevel, contain
from graders.services import serve
from graders.services.account import unprivileged
from graders.services.binaries import postgres_bin, redis_server
from graders.services.compose import compose_url
from graders.state import cache_folder, state_folder

ADDRESSES = ("DATABASE_URL", "REDIS_URL")


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
    yield _docker()
    yield _sandbox("bwrap")
    yield _sandbox("docker")


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


def _sandbox(level: OwnLevel) -> Finding:
    """Say what strangers' work would run in; without a sandbox one's own can still be graded."""
    try:
        what = contain(level, untrusted=True, cache=cache_folder()).sentence
    except MachineError as error:
        what = f"no {level}: {error.problem} {error.next_step}"
    return Finding("sandbox", True, what)


def _external() -> Finding:
    named = [name for name in ADDRESSES if name in os.environ]
    kept = [name for name in ADDRESSES if name not in named and compose_url(name)]
    said = [f"{' and '.join(named)} set"] * bool(named)
    said += [f"{' and '.join(kept)} of `make up`"] * bool(kept)
    none = "none (DATABASE_URL, REDIS_URL not set, `make up` does not run)"
    return Finding("external", True, ", ".join(said) or none)


def _docker() -> Finding:
    """Say what --services docker would find; a machine without Docker is well."""
    from graders.containers.engine import open_engine  # slow to import

    try:
        engine = open_engine()
        images = [image_name(service) for service in ("postgres", "redis")]
        missing = [image for image in images if not engine.has_image(image)]
    except MachineError as error:
        return Finding("docker", True, f"not used: {error.problem}")
    lacks = f", without {' and '.join(missing)}" if missing else ""
    return Finding("docker", True, f"engine {engine.version}{lacks or ', with both images'}")


def _try(part: str, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(part, True, attempt())
    except GradingError as error:
        return Finding(part, False, error.problem, error.next_step)
