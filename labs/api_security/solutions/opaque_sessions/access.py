"""Who asks, and what they may do. Every route takes one of the dependencies below."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session

import sessions
from database import ApiKey, Invoice, Organisation, User, transaction
from digest import digest
from throttle import limit_rate

RANKS = {"key": 0, "viewer": 1, "member": 2, "admin": 3}


@dataclass(frozen=True)
class Caller:
    """Who asks; `role` is "key" for an API key."""

    user_id: int
    organisation_id: int
    email: str
    role: str
    is_staff: bool
    session: str = ""

    @property
    def sees_tax_ids(self) -> bool:
        return RANKS[self.role] >= RANKS["member"]


def caller(
    authorization: Annotated[str, Header()] = "", x_api_key: Annotated[str, Header()] = ""
) -> Caller:
    """Return who asks, with the rights they have now; 401 for anybody else."""
    found = _by_key(x_api_key) if x_api_key else _by_session(authorization)
    if not found:
        raise HTTPException(401, "log in first", {"WWW-Authenticate": "Bearer"})
    limit_rate(f"{found.role == 'key'}:{found.user_id}")
    return found


def _by_session(authorization: str) -> Caller | None:
    scheme, _, token = authorization.partition(" ")
    session = sessions.who(token.strip()) if scheme.lower() == "bearer" else None
    if not session:
        return None
    user_id, family = session
    with transaction() as db:
        user = db.scalar(
            select(User)
            .join(Organisation, Organisation.id == User.organisation_id)
            .where(User.id == user_id, ~Organisation.suspended)
        )
    if not user:
        return None
    return Caller(user.id, user.organisation_id, user.email, user.role, user.is_staff, family)


def _by_key(key: str) -> Caller | None:
    with transaction() as db:
        found = db.scalar(
            select(ApiKey)
            .join(Organisation, Organisation.id == ApiKey.organisation_id)
            .where(ApiKey.key_hash == digest(key), ~Organisation.suspended)
        )
    return found and Caller(found.id, found.organisation_id, f"key {found.name}", "key", False)


def at_least(role: str):
    def allowed(asking: Annotated[Caller, Depends(caller)]) -> Caller:
        if RANKS[asking.role] < RANKS[role]:
            raise HTTPException(403, f"this needs the role {role}")
        return asking

    return Depends(allowed)


def staff_only(asking: Annotated[Caller, Depends(caller)]) -> Caller:
    if not asking.is_staff:
        raise HTTPException(403, "this is for staff")
    return asking


Reader = Annotated[Caller, Depends(caller)]
Viewer = Annotated[Caller, at_least("viewer")]
Member = Annotated[Caller, at_least("member")]
Admin = Annotated[Caller, at_least("admin")]
Staff = Annotated[Caller, Depends(staff_only)]


def invoice_of(db: Session, asking: Caller, invoice_id: int, *, lock: bool = False) -> Invoice:
    """Return an invoice of the caller's own organisation; 404 for any other."""
    wanted = select(Invoice).where(
        Invoice.id == invoice_id, Invoice.organisation_id == asking.organisation_id
    )
    invoice = db.scalar(wanted.with_for_update() if lock else wanted)
    if not invoice:
        raise HTTPException(404, "no such invoice")
    return invoice
