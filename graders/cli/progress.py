"""Bars for what takes long: what happens, how far it is, how long it will take."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from rich.columns import Columns
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.status import Status
from rich.table import Table
from rich.text import Text

from graders.checks.context import Order
from graders.checks.seeding import seeding_told
from graders.cli.base import out
from graders.errors import GradingError
from graders.history import History
from graders.model import Happening, Progress
from graders.phases import Advance, announcement, expected_phases
from graders.state import history_url

BAR_WIDTH = 24
SEED_BAR_WIDTH = 30
REDRAWS_PER_S = 4


class GradeBar:
    """One line that is drawn anew while a grade runs."""

    def __init__(self, advance: Advance) -> None:
        self.advance = advance

    def tell(self, happening: Happening) -> None:
        """Take what happened."""
        self.advance = self.advance.after(happening, time.monotonic())

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        """Yield the bar and what it is about, as of now."""
        now_s = time.monotonic()
        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=1.0, completed=self.advance.fraction(now_s), width=BAR_WIDTH)
        row.add_row(bar, Text(self.advance.words(now_s), no_wrap=True, overflow="ellipsis"))
        yield row


@contextlib.contextmanager
def grade_shown(order: Order, *, still: bool = False) -> Iterator[Progress]:
    """Announce the phases of a grade with their share of the time, and show how far it is.

    With `still` nothing moves after the announcement.
    """
    phases = expected_phases(order.manifest, order.requirements, _known_s(order))
    out.print(Text(f"grading: {announcement(phases)}", style="dim"), soft_wrap=True)
    bar = GradeBar(Advance(phases))
    moving = Live(bar, console=out, refresh_per_second=REDRAWS_PER_S, transient=True)
    with contextlib.nullcontext() if still else moving:
        yield bar.tell


def _known_s(order: Order) -> dict[str, float]:
    with contextlib.suppress(GradingError):  # recording the attempt will say so, if it is recorded
        return History(history_url()).phase_times_s(order.lab.resolve().name)
    return {}


@contextlib.contextmanager
def seeding_shown(status: Status, cache: Path) -> Iterator[None]:
    """Show in a status how far a lab's database is filled."""

    def show(percent: int) -> None:
        bar = ProgressBar(total=100, completed=percent, width=SEED_BAR_WIDTH)
        status.update(Columns(["filling the database, once", bar, f"{percent} %"]))

    with seeding_told(cache, show):
        yield
