"""Logging in and out, and passwords."""

import hashlib
import json
import time
import urllib.request
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

import settings
from access import Reader
from audit import note
from database import Organisation, User, transaction
from schemas import Credentials, Forgotten, PasswordChange, RefreshToken, Registration, Reset
from security import hash_password, new_salt, new_tokens, use_refresh_token, verify_password

router = APIRouter(prefix="/v2/auth", tags=["auth"])


def claims_of(user: User) -> dict[str, Any]:
    return {
        "sub": str(user.id),
        "sub_id": user.id,
        "organisation_id": user.organisation_id,
        "email": user.email,
        "role": user.role,
    }


def set_password(user: User, password: str) -> None:
    user.password_salt = new_salt()
    user.password_hash = hash_password(password, user.password_salt)


@router.post("/register", status_code=201)
def register(body: Registration) -> dict[str, Any]:
    try:
        with transaction() as db:
            organisation = Organisation(name=body.organisation)
            db.add(organisation)
            db.flush()
            user = User(
                organisation_id=organisation.id, email=body.email, name=body.name, role="admin"
            )
            set_password(user, body.password)
            db.add(user)
            db.flush()
            note(db, organisation.id, user.email, "user-created", user.id)
            return user.as_dict()
    except IntegrityError:
        raise HTTPException(409, "this address is taken") from None


@router.post("/login")
def login(body: Credentials) -> dict[str, Any]:
    with transaction() as db:
        user = db.scalar(select(User).where(User.email == body.email))
        right = user and verify_password(body.password, user.password_salt, user.password_hash)
        action = "login" if right else "login-failed"
        note(db, user.organisation_id if user else None, body.email, action, "")
        suspended = user and db.get(Organisation, user.organisation_id).suspended
    if not right or suspended:
        raise HTTPException(401, "wrong e-mail address or password")
    return new_tokens(claims_of(user))


@router.post("/refresh")
def refresh(body: RefreshToken) -> dict[str, Any]:
    claims = use_refresh_token(body.refresh_token)
    if not claims:
        raise HTTPException(401, "log in again")
    return new_tokens(claims)


@router.post("/logout", status_code=204)
def logout(asking: Reader) -> None:
    """Tell the client that it may forget its tokens."""


@router.post("/password", status_code=204)
def change_password(body: PasswordChange, asking: Reader) -> None:
    with transaction() as db:
        user = db.get(User, asking.user_id)
        if not verify_password(body.old_password, user.password_salt, user.password_hash):
            raise HTTPException(403, "the old password is wrong")
        set_password(user, body.new_password)
        note(db, user.organisation_id, user.email, "password-changed", user.id)


@router.post("/forgot", status_code=202)
def forgot(body: Forgotten, request: Request) -> dict[str, str]:
    with transaction() as db:
        user = db.scalar(select(User).where(User.email == body.email))
        if not user:
            raise HTTPException(404, "there is no account with this address")
        user.reset_token = hashlib.sha256(f"{user.email}{time.time()}".encode()).hexdigest()
        link = f"{request.base_url}reset?token={user.reset_token}"
    mail = json.dumps({"to": user.email, "subject": "Your new password", "link": link})
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(settings.MAIL_URL, mail.encode(), headers))
    return {"detail": "a mail is on its way"}


@router.post("/reset", status_code=204)
def reset(body: Reset) -> None:
    with transaction() as db:
        user = db.scalar(select(User).where(User.reset_token == body.token))
        if not user:
            raise HTTPException(400, "this link is not valid")
        set_password(user, body.new_password)
        user.reset_token = None
        note(db, user.organisation_id, user.email, "password-changed", user.id)
