"""Logging in and out, and passwords."""

import datetime

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

import mail
import sessions
import settings
from access import Viewer
from audit import note
from database import Organisation, ResetToken, User, transaction
from digest import digest, new_token
from passwords import hash_password, verify
from schemas import (
    Forgotten,
    Login,
    PasswordChange,
    Refresh,
    Registration,
    Reset,
    TokensOut,
    UserOut,
)
from throttle import LoginAttempt, source_of

router = APIRouter(prefix="/v2/auth", tags=["auth"])


@router.post("/register", status_code=201)
def register(body: Registration) -> UserOut:
    try:
        with transaction() as db:
            organisation = Organisation(name=body.organisation)
            db.add(organisation)
            db.flush()
            user = User(
                organisation_id=organisation.id,
                email=body.email,
                name=body.name,
                role="admin",
                password_hash=hash_password(body.password),
            )
            db.add(user)
            db.flush()
            note(db, organisation.id, user.email, "user-created", user.id)
            return UserOut.model_validate(user)
    except IntegrityError:
        raise HTTPException(409, "this address is taken") from None


@router.post("/login")
def login(body: Login, request: Request) -> TokensOut:
    attempt = LoginAttempt(body.email, source_of(request))
    with transaction() as db:
        user = db.scalar(select(User).where(User.email == body.email))
        suspended = user and db.get(Organisation, user.organisation_id).suspended
    right = verify(user.password_hash if user else None, body.password)
    organisation_id = user.organisation_id if user else None
    target = user.id if user else ""
    with transaction() as db:
        note(db, organisation_id, body.email, "login" if right else "login-failed", target)
    if not right or suspended:
        raise HTTPException(401, "wrong e-mail address or password")
    attempt.succeeded()
    return sessions.begin(user.id)


@router.post("/refresh")
def refresh(body: Refresh) -> TokensOut:
    tokens = sessions.refresh(body.refresh_token)
    if not tokens:
        raise HTTPException(401, "log in again")
    return tokens


@router.post("/logout", status_code=204)
def logout(asking: Viewer) -> None:
    sessions.end(asking.session)


@router.post("/password", status_code=204)
def change_password(body: PasswordChange, asking: Viewer, request: Request) -> None:
    attempt = LoginAttempt(asking.email, source_of(request))
    with transaction() as db:
        user = db.get(User, asking.user_id)
        if not user or not verify(user.password_hash, body.old_password):
            raise HTTPException(403, "the old password is wrong")
        attempt.succeeded()
        user.password_hash = hash_password(body.new_password)
        db.execute(delete(ResetToken).where(ResetToken.user_id == user.id))
        note(db, user.organisation_id, user.email, "password-changed", user.id)
    sessions.end_all(asking.user_id, but=asking.session)


@router.post("/forgot", status_code=202)
def forgot(body: Forgotten) -> dict[str, str]:
    # All the work is done beside the request: how long it takes tells nobody who has an account.
    mail.background.submit(send_reset_link, body.email)
    return {"detail": "if the address has an account, a mail is on its way"}


def send_reset_link(email: str) -> None:
    token = new_token()
    expires_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(
        seconds=settings.RESET_TTL_S
    )
    with transaction() as db:
        user = db.scalar(select(User).where(User.email == email))
        if not user:
            return
        db.execute(delete(ResetToken).where(ResetToken.user_id == user.id))
        db.add(ResetToken(token_hash=digest(token), user_id=user.id, expires_at=expires_at))
    mail.send(email, "Your new password", f"{settings.PUBLIC_URL}/reset?token={token}")


@router.post("/reset", status_code=204)
def reset(body: Reset) -> None:
    with transaction() as db:
        used = db.get(ResetToken, digest(body.token))
        new_hash = hash_password(body.new_password)
        user = db.get(User, used.user_id) if used else None
        if user and used.expires_at > datetime.datetime.now(datetime.UTC):
            user.password_hash = new_hash
            db.execute(delete(ResetToken).where(ResetToken.token_hash == used.token_hash))
            note(db, user.organisation_id, user.email, "password-changed", user.id)
        else:
            user = None
    if not user:
        raise HTTPException(400, "this link is not valid any more")
    sessions.end_all(user.id)
