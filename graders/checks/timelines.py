"""Timelines that checks draw: what happened when, beside what, for the report."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from graders.checks.context import CONTEXT
from graders.checks.selection import CHECK
from graders.model import Lane, Mark, Timeline, Tone

MOST_MARKS = 400


class Drawing:
    """A timeline that is being drawn; it begins when this is made, times are `time.monotonic()`."""

    def __init__(self, title: str, lanes: tuple[str, ...]) -> None:
        self.began_s = time.monotonic()
        self._title = title
        self._lanes: dict[str, list[Mark]] = {name: [] for name in lanes}

    def mark(
        self,
        lane: str,
        what: str,
        started_s: float,
        ended_s: float | None = None,
        tone: Tone = Tone.PLAIN,
    ) -> None:
        """Put a span, or without an end a moment, on a lane; what was before the start is cut."""
        ended_s = started_s if ended_s is None else ended_s
        if ended_s >= self.began_s:
            start_s = max(0.0, started_s - self.began_s)
            self._lanes.setdefault(lane, []).append(
                Mark(round(start_s, 4), round(ended_s - self.began_s, 4), what, tone)
            )

    def finished(self, requirement: str) -> Timeline:
        """Return the timeline up to now."""
        lanes = []
        for name, marks in self._lanes.items():
            ordered = sorted(marks, key=lambda one: one.start_s)
            left_out = max(0, len(ordered) - MOST_MARKS)
            lanes.append(Lane(name, tuple(ordered[:MOST_MARKS]), left_out))
        ends_s = [mark.end_s for lane in lanes for mark in lane.marks]
        duration_s = max([time.monotonic() - self.began_s, *ends_s])
        return Timeline(self._title, requirement, round(duration_s, 4), tuple(lanes))


@pytest.fixture
def timeline(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Draw a timeline into the report: `with timeline("title", "lane", …) as drawing`."""
    grade, check = request.config.stash[CONTEXT], request.node.stash[CHECK]

    @contextmanager
    def draw(title: str, *lanes: str) -> Iterator[Drawing]:
        drawing = Drawing(title, lanes)
        try:
            yield drawing
        finally:
            grade.findings.timelines.append(drawing.finished(check.requirement))

    return draw
