"""Who asks, and what they may do."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, HTTPException
from sqlalchemy import select

import settings
from database import ApiKey, Organisation, transaction
from security import read_token

requests_made: Counter[tuple[str, int]] = Counter()


@dataclass(frozen=True)
class Caller:
    user_id: int
    organisation_id: int
    email: str
    role: str


def caller(
    authorization: Annotated[str, Header()] = "", x_api_key: Annotated[str, Header()] = ""
) -> Caller:
    limit_rate(x_api_key or authorization)
    asking = by_key(x_api_key) if x_api_key else by_token(authorization)
    if asking:
        with transaction() as db:
            organisation = db.get(Organisation, asking.organisation_id)
        if organisation and not organisation.suspended:
            return asking
    raise HTTPException(401, "log in first")


def limit_rate(credential: str) -> None:
    window = int(time.time()) // settings.RATE_WINDOW_S
    requests_made[credential, window] += 1
    if requests_made[credential, window] > settings.RATE_LIMIT:
        raise HTTPException(429, "too many requests")


def by_token(authorization: str) -> Caller | None:
    claims = read_token(authorization.removeprefix("Bearer ").strip())
    if not claims:
        return None
    return Caller(claims["sub_id"], claims["organisation_id"], claims["email"], claims["role"])


def by_key(key: str) -> Caller | None:
    with transaction() as db:
        found = db.scalar(select(ApiKey).where(ApiKey.key == key))
    return found and Caller(0, found.organisation_id, f"key {found.name}", "viewer")


def writer(asking: Annotated[Caller, Depends(caller)]) -> Caller:
    if asking.role == "viewer":
        raise HTTPException(403, "viewers only read")
    return asking


def admin(asking: Annotated[Caller, Depends(caller)]) -> Caller:
    if asking.role != "admin":
        raise HTTPException(403, "this is for admins")
    return asking


Reader = Annotated[Caller, Depends(caller)]
Writer = Annotated[Caller, Depends(writer)]
Admin = Annotated[Caller, Depends(admin)]
