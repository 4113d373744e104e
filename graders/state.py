"""Where the kit keeps what outlives a run: templates, attempts, history."""

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

CHUNK_BYTES = 1 << 20


def state_folder() -> Path:
    """Return LAB_HOME, or `.lab` in the folder the command runs in."""
    return Path(os.environ.get("LAB_HOME", ".lab")).absolute()


def cache_folder() -> Path:
    """Return where prepared PostgreSQL clusters are kept; deleting it costs only time."""
    return state_folder() / "cache"


def attempts_folder() -> Path:
    """Return where the reports of attempts are kept."""
    return state_folder() / "attempts"


def interviews_folder() -> Path:
    """Return where the transcripts of interviews are kept."""
    return state_folder() / "interviews"


def history_url() -> str:
    """Return the SQLAlchemy URL of the history: LAB_HISTORY_URL, or SQLite in the state folder."""
    return os.environ.get("LAB_HISTORY_URL", f"sqlite:///{state_folder() / 'history.sqlite'}")


def content_hash(folder: Path, left_out: Collection[str] = ()) -> str:
    """Return the SHA-256 of a folder's files and their names, without files of such names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if not set(left_out) & set(path.relative_to(folder).parts):
            digest.update(os.fsencode(f"{path.relative_to(folder)}\0{path.stat().st_size}\0"))
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
    return digest.hexdigest()
