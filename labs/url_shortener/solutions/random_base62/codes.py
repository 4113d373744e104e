"""Codes drawn at random."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator

BASE62 = string.ascii_letters + string.digits
# At the default length one draw is enough for ever: a billion links fill 0.03 % of the codes.
# Nine draws in ten still find a place when three quarters of a short length are taken.
DRAWS_PER_LENGTH = 8
LENGTHS = 3


def draws(length: int) -> Iterator[str]:
    """Codes to try, one after another: of the wished length first, then of longer ones."""
    for extra in range(LENGTHS):
        for _ in range(DRAWS_PER_LENGTH):
            yield "".join(secrets.choice(BASE62) for _ in range(length + extra))
