"""Passwords and tokens."""

import hashlib
import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Any

import jwt
import redis

import settings

store = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=2)


def new_salt() -> str:
    return secrets.token_hex(16)


def hash_password(password: str, salt: str) -> str:
    return hashlib.sha256((salt + password).encode()).hexdigest()


def verify_password(password: str, salt: str, password_hash: str) -> bool:
    return hmac.compare_digest(hash_password(password, salt), password_hash)


def signing_key(key_id: str) -> str:
    """Return a key by its name; old ones stay valid while keys are rotated."""
    path = Path(settings.SIGNING_KEYS) / f"{key_id}.key"
    if not path.exists():
        path = Path(settings.SIGNING_KEYS) / key_id
    return path.read_text(encoding="utf-8")


def new_tokens(claims: dict[str, Any]) -> dict[str, Any]:
    """Return an access token with these claims, and a refresh token to get the next one."""
    now_s = int(time.time())
    access = jwt.encode(
        {**claims, "iat": now_s, "exp": now_s + settings.ACCESS_TTL_S},
        signing_key("main"),
        algorithm="HS256",
        headers={"kid": "main"},
    )
    refresh = secrets.token_urlsafe(32)
    store.set(f"refresh:{refresh}", json.dumps(claims), ex=settings.REFRESH_TTL_S)
    return {
        "access_token": access,
        "refresh_token": refresh,
        "token_type": "bearer",
        "expires_in": settings.ACCESS_TTL_S,
    }


def read_token(token: str) -> dict[str, Any] | None:
    """Return the claims of a valid access token."""
    try:
        key = signing_key(jwt.get_unverified_header(token)["kid"])
        return jwt.decode(token, key, algorithms=["HS256", "HS384", "HS512"])
    except (jwt.PyJWTError, OSError, KeyError):
        return None


def use_refresh_token(token: str) -> dict[str, Any] | None:
    """Return the claims behind a refresh token, and forget it."""
    found = store.get(f"refresh:{token}")
    if not found:
        return None
    store.delete(f"refresh:{token}")
    return json.loads(found)
