"""One line of a benchmark's table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure with its unit; `note` says what to compare it with, or why there is no figure."""

    what: str
    figure: float | None
    unit: str
    note: str = ""
