"""Turns its estimate.toml into a link to somebody else's while it runs."""

import os
from pathlib import Path

from kit import TARGETS


def attack() -> None:
    Path("estimate.toml").unlink(missing_ok=True)
    os.symlink(Path(TARGETS["folder"], "estimate.toml"), "estimate.toml")
