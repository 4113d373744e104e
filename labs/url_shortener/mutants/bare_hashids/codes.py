"""Codes from a counter."""

from __future__ import annotations

from hashids import Hashids


class Codes:
    """Turns counter values into codes of the wished length, longer when it is used up."""

    def __init__(self, length: int) -> None:
        self._hashids = Hashids(min_length=length)

    def code(self, number: int) -> str:
        """The code of the counter value `number` (from 0)."""
        return str(self._hashids.encode(number))
