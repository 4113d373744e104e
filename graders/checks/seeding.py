"""How far a lab's database is filled, which happens once and may take long."""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_S = 0.2
TAIL_BYTES = 200
PERCENT = re.compile(rb"^(\d{1,3})%\s*$", re.MULTILINE)


@contextlib.contextmanager
def seeding_told(cache: Path, tell: Callable[[int], None]) -> Iterator[None]:
    """Tell how far a seed program is that prints lines such as `40%`, from a thread."""
    log, since_s, ended = cache / "seeding.log", time.time(), threading.Event()

    def watch() -> None:
        told = None
        while not ended.wait(POLL_S):
            percent = percent_done(log, since_s)
            if percent is not None and percent != told:
                told = percent
                tell(percent)

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
