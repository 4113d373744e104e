"""Codes from a counter."""

from __future__ import annotations

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Codes:
    """Turns counter values into codes of the wished length, longer when it is used up."""

    def __init__(self, length: int) -> None:
        self._length = length

    def code(self, number: int) -> str:
        """The code of the counter value `number` (from 0)."""
        letters = ""
        while number:
            number, digit = divmod(number, 62)
            letters = BASE62[digit] + letters
        return letters.rjust(self._length, BASE62[0])
