"""One line of a benchmark's table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure with its unit; `note` says what to compare it with."""

    what: str
    figure: float
    unit: str
    note: str = ""
