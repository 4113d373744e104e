"""Access tokens: JWTs that live for minutes. Algorithm and key are ours, never the token's."""

import secrets
import time
from dataclasses import dataclass

import jwt

import settings

ALGORITHM = "HS256"
ISSUER = AUDIENCE = "invoicing"
KIND = "at+jwt"


@dataclass(frozen=True)
class Claims:
    """What an access token says; `version` is outdated once the user's rights have changed."""

    user_id: int
    organisation_id: int
    email: str
    role: str
    is_staff: bool
    version: int
    session: str


def issue(claims: Claims) -> str:
    now_s = int(time.time())
    body = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now_s,
        "exp": now_s + settings.ACCESS_TTL_S,
        "jti": secrets.token_hex(8),
        "sub": str(claims.user_id),
        "org": claims.organisation_id,
        "email": claims.email,
        "role": claims.role,
        "staff": claims.is_staff,
        "ver": claims.version,
        "sid": claims.session,
    }
    return jwt.encode(body, settings.SECRET_KEY, ALGORITHM, {"typ": KIND})


def read(token: str) -> Claims | None:
    """Return the claims of a token that we issued for ourselves and that has not expired."""
    try:
        body = jwt.decode(
            token,
            settings.SECRET_KEY,
            algorithms=[ALGORITHM],
            options={"require": ["exp", "iat", "sub", "sid", "ver"], "verify_aud": False},
        )
        return Claims(
            int(body["sub"]),
            int(body["org"]),
            body["email"],
            body["role"],
            body["staff"],
            int(body["ver"]),
            body["sid"],
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return None
