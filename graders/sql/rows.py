"""Two answers of a query, compared: columns with their types, then rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHOWN_ROWS = 3
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Rows:
    """What a query answered: columns (name, type) in order, and its rows."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


def difference(wanted: Rows, got: Rows, *, ordered: bool) -> str | None:
    """Say how an answer differs from the wanted one, by its smallest differing rows; None if equal.

    Rows count as often as they occur; their order counts where it is `ordered`.
    """
    if wanted.columns != got.columns:
        return _columns(wanted, got)
    expected, found = ([_comparable(row) for row in one.rows] for one in (wanted, got))
    missing = _sorted((Counter(expected) - Counter(found)).elements())
    extra = _sorted((Counter(found) - Counter(expected)).elements())
    if missing or extra:
        counts = f"{len(got.rows)} rows instead of {len(wanted.rows)}"
        lines = [counts if len(got.rows) != len(wanted.rows) else f"{len(got.rows)} rows, but"]
        lines += _listed("missing", missing) + _listed("not asked for", extra)
        return "\n".join(lines)
    if ordered and expected != found:
        at = next(i for i, pair in enumerate(zip(expected, found, strict=True)) if len({*pair}) > 1)
        lines = ["the right rows in another order, from row " + str(at + 1) + " on"]
        return "\n".join(
            [*lines, f"  there      {_shown(found[at])}", f"  instead of {_shown(expected[at])}"]
        )
    return None


def _columns(wanted: Rows, got: Rows) -> str:
    named = [", ".join(f"{name} {kind}" for name, kind in one.columns) for one in (wanted, got)]
    return f"the columns ({named[1]}) instead of ({named[0]})"


def _listed(title: str, rows: Sequence[Row]) -> list[str]:
    shown = [f"  {title}: {_shown(row)}" for row in rows[:SHOWN_ROWS]]
    more = len(rows) - SHOWN_ROWS
    return shown + ([f"  {title}: {more} more"] if more > 0 else [])


def _shown(row: Row) -> str:
    return "(" + ", ".join("NULL" if value is None else str(value) for value in row) + ")"


def _sorted(rows: Any) -> list[Row]:
    """Sort rows, smallest first, whatever is in them; NULL comes before all else."""
    return sorted(rows, key=_sort_key)


def _sort_key(row: Row) -> list[tuple[int, float, str]]:
    return [
        (0, 0.0, "") if one is None
        else (1, float(one), "") if isinstance(one, int | float)
        else (2, 0.0, str(one))
        for one in row
    ]  # fmt: skip


def _comparable(row: Row) -> Row:
    """Return a row whose values can be counted: lists and objects by their text."""
    return tuple(str(one) if isinstance(one, list | dict) else one for one in row)
