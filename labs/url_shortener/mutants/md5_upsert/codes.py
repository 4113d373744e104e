"""Codes made from the URL."""

from __future__ import annotations

import string
from hashlib import md5

BASE62 = string.ascii_letters + string.digits


def code_of(url: str, length: int) -> str:
    """The beginning of the URL's MD5 in base 62."""
    number = int.from_bytes(md5(url.encode(), usedforsecurity=False).digest())
    letters = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        letters += BASE62[digit]
    return letters
