"""Sessions: opaque tokens, known to Redis by their digests.

A login begins a family. Each pair of tokens belongs to one, and lives no longer than it does.
"""

import secrets

import settings
from cache import store
from digest import digest, new_token
from schemas import TokensOut


def begin(user_id: int) -> TokensOut:
    """Begin a session and return its first tokens."""
    family = secrets.token_hex(16)
    with store.pipeline() as pipe:
        pipe.set(f"family:{family}", user_id, ex=settings.REFRESH_TTL_S)
        pipe.sadd(f"families:{user_id}", family)
        pipe.expire(f"families:{user_id}", settings.REFRESH_TTL_S)
        pipe.execute()
    return _new_pair(family)


def _new_pair(family: str) -> TokensOut:
    access, refresh = new_token(), new_token()
    with store.pipeline() as pipe:
        pipe.set(f"access:{digest(access)}", family, ex=settings.ACCESS_TTL_S)
        pipe.set(f"refresh:{digest(refresh)}", family, ex=settings.REFRESH_TTL_S)
        pipe.execute()
    return TokensOut(access_token=access, refresh_token=refresh, expires_in=settings.ACCESS_TTL_S)


def who(access_token: str) -> tuple[int, str] | None:
    """Return the user and the family of a valid access token."""
    family = store.get(f"access:{digest(access_token)}")
    user_id = store.get(f"family:{family}") if family else None
    if family and store.exists(f"over:{family}"):
        return None
    return (int(user_id), family) if user_id else None


def refresh(refresh_token: str) -> TokensOut | None:
    """Exchange a refresh token for a new pair, once; a second use ends the family."""
    key = digest(refresh_token)
    family = store.getdel(f"refresh:{key}")
    if family is None:
        if stolen := store.get(f"used:{key}"):
            store.delete(f"family:{stolen}")
        return None
    store.set(f"used:{key}", family, ex=settings.REFRESH_TTL_S)
    store.delete(f"over:{family}")
    if not store.exists(f"family:{family}"):
        return None
    return _new_pair(family)


def end(family: str) -> None:
    """End one session."""
    store.set(f"over:{family}", 1, ex=settings.ACCESS_TTL_S)


def end_all(user_id: int, but: str | None = None) -> None:
    """End the sessions of a user, perhaps but one."""
    for family in store.smembers(f"families:{user_id}"):
        if family != but:
            end(family)


def changed(user_id: int) -> None:
    """Take note that a user's rights changed: nothing to do, they are read at each request."""
