"""Where in a TOML text a value stands."""

import re
from collections import Counter
from collections.abc import Iterator

Location = tuple[int | str, ...]
HEADER = re.compile(r"(\[\[?)([\w.-]+)\]\]?\s*(#.*)?")


def line_of(location: Location, text: str) -> int | None:
    """Return the line of a value, or of the table that lacks it; lines count from 1.

    A location is Pydantic's: names, each with an index where it is a list, as in
    ("requirements", 1, "points").
    """
    best, found = 0, None
    for place, number in _places(text):
        shared = min(len(place), len(location))
        if shared > best and place[:shared] == location[:shared]:
            best, found = shared, number
    return found


def _places(text: str) -> Iterator[tuple[Location, int]]:
    table: Location = ()
    seen: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.fullmatch(line.strip()):
            brackets, name = header.group(1, 2)
            table = tuple(name.split("."))
            if brackets == "[[":
                table = (*table, seen[name])
                seen[name] += 1
            yield table, number
        elif "=" in line:
            yield (*table, line.partition("=")[0].strip()), number
