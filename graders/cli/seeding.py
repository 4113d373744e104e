"""A progress bar while a lab's database is filled, which happens once and may take long."""

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rich.columns import Columns
from rich.progress_bar import ProgressBar
from rich.status import Status

POLL_S = 0.2
TAIL_BYTES = 200
BAR_WIDTH = 30
PERCENT = re.compile(rb"^(\d{1,3})%\s*$", re.MULTILINE)


@contextlib.contextmanager
def seeding_shown(status: Status, cache: Path) -> Iterator[None]:
    """Show in the status how far a seed program is that prints lines such as `40%`."""
    log, since_s, ended = cache / "seeding.log", time.time(), threading.Event()

    def watch() -> None:
        shown = None
        while not ended.wait(POLL_S):
            percent = percent_done(log, since_s)
            if percent is not None and percent != shown:
                shown = percent
                bar = ProgressBar(total=100, completed=percent, width=BAR_WIDTH)
                status.update(Columns(["filling the database, once", bar, f"{percent} %"]))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def percent_done(log: Path, since_s: float) -> int | None:
    """Return the last percentage in a log; None without one, or when it was written earlier."""
    try:
        if log.stat().st_mtime < since_s:
            return None
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            found = PERCENT.findall(file.read())
    except OSError:
        return None
    return min(100, int(found[-1])) if found else None
