"""How often somebody may try: logins by account and source, everything else by user.

Counters live in Redis, so that all replicas count together.
"""

import math
import time

from fastapi import HTTPException, Request

import settings
from cache import store
from digest import digest

FAMILIAR_FOR_S = 90 * 86_400


def source_of(request: Request) -> str:
    """Return the client's address: what the load balancer appended, or the peer."""
    forwarded = request.headers.get("x-forwarded-for", "")
    last = forwarded.rpartition(",")[2].strip()
    return last or (request.client.host if request.client else "unknown")


def _count(key: str, window_s: int) -> tuple[int, int]:
    """Count one more; how many there are in the window, and the seconds until it ends."""
    with store.pipeline() as pipe:
        pipe.set(key, 0, ex=window_s, nx=True)
        pipe.incr(key)
        pipe.ttl(key)
        _, count, left_s = pipe.execute()
    return count, max(1, left_s)


def refuse(retry_after_s: int) -> HTTPException:
    headers = {"Retry-After": str(max(1, retry_after_s))}
    return HTTPException(429, "too many requests", headers)


failures: dict[str, tuple[float, int]] = {}


def _count_here(key: str, window_s: int) -> tuple[int, int]:
    """Count one more, in this process."""
    now_s = time.monotonic()
    ends_s, count = failures.get(key, (0.0, 0))
    if now_s > ends_s:
        ends_s, count = now_s + window_s, 0
    failures[key] = (ends_s, count + 1)
    return count + 1, max(1, math.ceil(ends_s - now_s))


class LoginAttempt:
    """One try to log in, counted before the password is looked at.

    Failures from sources the account knows are counted apart, so that strangers can't lock its
    owner out.
    """

    def __init__(self, email: str, source: str) -> None:
        account, source = digest(email), digest(source)
        self._familiar = f"familiar:{account}:{source}"
        known = store.exists(self._familiar)
        self._account = f"tries:{account}:{source if known else 'strangers'}"
        self._source = f"tries-from:{source}"
        limits = (
            (self._account, settings.ACCOUNT_FAILURES),
            (self._source, settings.SOURCE_FAILURES),
        )
        for key, limit in limits:
            count, left_s = _count_here(key, settings.LOGIN_WINDOW_S)
            if count > limit:
                raise refuse(left_s)

    def succeeded(self) -> None:
        """Give back what was counted: only failures count."""
        with store.pipeline() as pipe:
            pipe.set(self._familiar, 1, ex=FAMILIAR_FOR_S)
            pipe.execute()


def limit_rate(caller: str) -> None:
    """Count a request of a caller; 429 beyond the limit."""
    now_s = time.time()
    window = int(now_s // settings.RATE_WINDOW_S)
    count, _ = _count(f"rate:{caller}:{window}", settings.RATE_WINDOW_S)
    if count > settings.RATE_LIMIT:
        raise refuse(math.ceil((window + 1) * settings.RATE_WINDOW_S - now_s))
