"""Where the kit keeps what outlives a run: templates, attempts, history."""

import os
from pathlib import Path


def state_folder() -> Path:
    """Return LAB_HOME, or `.lab` in the folder the command runs in."""
    return Path(os.environ.get("LAB_HOME", ".lab")).absolute()


def cache_folder() -> Path:
    """Return where prepared PostgreSQL clusters are kept; deleting it costs only time."""
    return state_folder() / "cache"


def attempts_folder() -> Path:
    """Return where the reports of attempts are kept."""
    return state_folder() / "attempts"


def history_url() -> str:
    """Return the SQLAlchemy URL of the history: LAB_HISTORY_URL, or SQLite in the state folder."""
    return os.environ.get("LAB_HISTORY_URL", f"sqlite:///{state_folder() / 'history.sqlite'}")
