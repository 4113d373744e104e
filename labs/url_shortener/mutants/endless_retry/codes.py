"""Codes drawn at random."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator

BASE62 = string.ascii_letters + string.digits


def draws(length: int) -> Iterator[str]:
    """Codes to try, one after another, until one is free."""
    while True:
        yield "".join(secrets.choice(BASE62) for _ in range(length))
