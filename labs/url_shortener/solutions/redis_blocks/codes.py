"""Codes from a counter: every number has one code, and codes do not show their number."""

from __future__ import annotations

from hashlib import blake2b
from itertools import count

from hashids import Hashids

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Of the 62 letters Hashids keeps 14 as separators and 4 as guards, and it spends
# one letter of every code on choosing the alphabet for the others.
HASHIDS_LETTERS = 44
# Codes this short cannot afford that; they are spelled in plain base 62.
PLAIN_LENGTH = 2
ROUNDS = 4


class Codes:
    """Turns counter values into codes of the wished length, longer when it is used up."""

    def __init__(self, secret: str, length: int) -> None:
        self._secret = secret.encode()
        self._length = length

    def code(self, number: int) -> str:
        """The code of the counter value `number` (from 0)."""
        for length in count(self._length):
            size = space(length)
            if number < size:
                break
            number -= size
        return self._spell(self._permute(number, size, length), length)

    def _spell(self, number: int, length: int) -> str:
        if length <= PLAIN_LENGTH:
            return _base62(number, length)
        hashids = Hashids(salt=self._secret.hex(), min_length=length, alphabet=BASE62)
        return str(hashids.encode(number))

    def _permute(self, number: int, size: int, length: int) -> int:
        """A secret one-to-one map of [0, size) onto itself."""
        # Hashids was never made to keep its input secret: without this step
        # neighbours in the sequence get codes that differ in few letters.
        half_bits = ((size - 1).bit_length() + 1) // 2
        number = self._feistel(number, half_bits, length)
        while number >= size:
            number = self._feistel(number, half_bits, length)
        return number

    def _feistel(self, number: int, half_bits: int, length: int) -> int:
        mask = (1 << half_bits) - 1
        left, right = number >> half_bits, number & mask
        for step in range(ROUNDS):
            text = f"{length}:{step}:{right}".encode()
            digest = blake2b(text, key=self._secret, digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(digest) & mask)
        return left << half_bits | right


def space(length: int) -> int:
    """How many codes of one length there are."""
    return int(62**length if length <= PLAIN_LENGTH else HASHIDS_LETTERS ** (length - 1))


def _base62(number: int, length: int) -> str:
    letters = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        letters += BASE62[digit]
    return letters
