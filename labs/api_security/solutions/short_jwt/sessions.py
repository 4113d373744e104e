"""Sessions: a short access token, a refresh token that is replaced at each use, and revocation.

Refresh tokens live in the database, by their digests. An access token names its session and the
version of its user's rights; both are compared with Redis, so that what is revoked ends at once.
"""

import datetime
import secrets

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

import settings
import tokens
from cache import store
from database import Organisation, RefreshToken, User, transaction
from digest import digest, new_token
from schemas import TokensOut

VERSION_KEPT_S = 3600


def begin(user_id: int) -> TokensOut | None:
    """Begin a session and return its first tokens."""
    with transaction() as db:
        return _new_pair(db, user_id, secrets.token_hex(16))


def _new_pair(db: Session, user_id: int, session: str) -> TokensOut | None:
    row = db.execute(
        select(User, Organisation.suspended)
        .join(Organisation, Organisation.id == User.organisation_id)
        .where(User.id == user_id)
    ).first()
    if not row or row.suspended:
        return None
    refresh_token = new_token()
    expires_at = _now() + datetime.timedelta(seconds=settings.REFRESH_TTL_S)
    db.add(
        RefreshToken(
            token_hash=digest(refresh_token),
            user_id=user_id,
            session=session,
            expires_at=expires_at,
        )
    )
    user = row.User
    claims = tokens.Claims(
        user.id, user.organisation_id, user.email, user.role, user.is_staff, user.version, session
    )
    return TokensOut(
        access_token=tokens.issue(claims),
        refresh_token=refresh_token,
        expires_in=settings.ACCESS_TTL_S,
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def who(access_token: str) -> tokens.Claims | None:
    """Return the claims of an access token that was not revoked."""
    claims = tokens.read(access_token)
    if not claims:
        return None
    revoked, version = store.mget(f"revoked:{claims.session}", f"version:{claims.user_id}")
    if revoked:
        return None
    if version is None:
        version = _load_version(claims.user_id)
    return claims if version is not None and int(version) == claims.version else None


def _load_version(user_id: int) -> int | None:
    with transaction() as db:
        version = db.scalar(select(User.version).where(User.id == user_id))
    if version is not None:
        # Never in the place of a newer one that was written meanwhile.
        store.set(f"version:{user_id}", version, ex=VERSION_KEPT_S, nx=True)
    return version


def refresh(refresh_token: str) -> TokensOut | None:
    """Exchange a refresh token for a new pair, once; a second use ends the session."""
    with transaction() as db:
        known = RefreshToken.token_hash == digest(refresh_token)
        # One UPDATE decides which of several uses at once was the first.
        used = db.execute(
            update(RefreshToken)
            .where(known, RefreshToken.used_at.is_(None), RefreshToken.expires_at > _now())
            .values(used_at=_now())
            .returning(RefreshToken.user_id, RefreshToken.session)
        ).first()
        if used:
            return _new_pair(db, used.user_id, used.session)
        stolen = db.scalar(select(RefreshToken.session).where(known))
    if stolen:
        end(stolen)
    return None


def end(session: str) -> None:
    """End one session."""
    store.set(f"revoked:{session}", 1, ex=settings.ACCESS_TTL_S + 1)
    with transaction() as db:
        db.execute(delete(RefreshToken).where(RefreshToken.session == session))


def end_all(user_id: int, but: str | None = None) -> None:
    """End the sessions of a user, perhaps but one."""
    with transaction() as db:
        sessions = db.scalars(
            select(RefreshToken.session).where(RefreshToken.user_id == user_id).distinct()
        ).all()
    for session in sessions:
        if session != but:
            end(session)
    if but is None:
        changed(user_id)


def changed(user_id: int) -> None:
    """Outdate the access tokens of a user whose rights changed; refreshing brings new ones."""
    with transaction() as db:
        version = db.scalar(
            update(User)
            .where(User.id == user_id)
            .values(version=User.version + 1)
            .returning(User.version)
        )
    # Of somebody who was deleted, no version is right.
    store.set(f"version:{user_id}", -1 if version is None else version, ex=VERSION_KEPT_S)
