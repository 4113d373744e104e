"""What is kept of an answer of the origin, and what its age allows."""

from __future__ import annotations

import hashlib
import json
import random
import time
from dataclasses import dataclass

import config
from origin import Answer

# Entries that are made together must not end together.
JITTER = 0.25
# An id that is missing now may be given to a product any moment.
MISSING_TTL_S = 5.0
# While somebody fetches the next answer, the last one may be given for so long.
BRIDGE_S = 3.0
KEPT_MS = int(1000 * (config.CACHE_TTL_S + max(config.MAX_STALE_S, BRIDGE_S)))


@dataclass(frozen=True)
class Entry:
    """An answer, when it was asked for, and how long it is fresh from then on.

    `generation` is that of its subject when the origin was asked: of another one, it is void.
    """

    status: int
    body: bytes
    etag: str
    generation: str
    asked_at_s: float
    fresh_s: float

    @property
    def age_s(self) -> float:
        """How old the answer is."""
        return time.time() - self.asked_at_s

    @property
    def is_fresh(self) -> bool:
        """Whether nobody needs to ask the origin."""
        return self.age_s < self.fresh_s

    @property
    def may_bridge(self) -> bool:
        """Whether it may be given while the next answer is on its way."""
        return self.age_s < config.CACHE_TTL_S + BRIDGE_S

    @property
    def may_stand_in(self) -> bool:
        """Whether it may be given because the origin fails."""
        return self.age_s < config.CACHE_TTL_S + config.MAX_STALE_S

    @property
    def kept_ms(self) -> int:
        """How long Redis keeps it; ids nobody has are many, and only kept while they are fresh."""
        return KEPT_MS if self.status == 200 else int(1000 * self.fresh_s) + 1

    def packed(self) -> bytes:
        """The entry as one value for Redis."""
        head = [self.status, self.etag, self.generation, self.asked_at_s, self.fresh_s]
        return json.dumps(head).encode() + b"\n" + self.body


def made_of(key: str, answer: Answer, generation: str, asked_at_s: float) -> Entry:
    """Return the entry for an answer that was asked for at this time."""
    fresh_s = config.CACHE_TTL_S * random.uniform(1 - JITTER, 1)
    if answer.status != 200:
        fresh_s = min(fresh_s, MISSING_TTL_S)
    digest = hashlib.blake2b(key.encode(), digest_size=10).hexdigest()
    return Entry(answer.status, answer.body, f'"{digest}"', generation, asked_at_s, fresh_s)


def unpacked(value: bytes) -> Entry:
    """Read what `packed` wrote."""
    head, _, body = value.partition(b"\n")
    status, etag, generation, asked_at_s, fresh_s = json.loads(head)
    return Entry(status, body, etag, generation, asked_at_s, fresh_s)
