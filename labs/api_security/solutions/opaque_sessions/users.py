"""The people of an organisation."""

from fastapi import APIRouter, HTTPException
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import sessions
from access import Admin, Caller, Viewer
from audit import note
from database import User, transaction
from passwords import hash_password
from schemas import Id, MyChanges, NewUser, UserChanges, UserOut

router = APIRouter(prefix="/v2", tags=["users"])


def user_of(db: Session, asking: Caller, user_id: int) -> User:
    """Return a user of the caller's own organisation; 404 for any other."""
    user = db.scalar(
        select(User).where(User.id == user_id, User.organisation_id == asking.organisation_id)
    )
    if not user:
        raise HTTPException(404, "no such user")
    return user


@router.get("/me")
def me(asking: Viewer) -> UserOut:
    with transaction() as db:
        return UserOut.model_validate(user_of(db, asking, asking.user_id))


@router.patch("/me")
def change_me(body: MyChanges, asking: Viewer) -> UserOut:
    with transaction() as db:
        user = user_of(db, asking, asking.user_id)
        user.name = body.name
        return UserOut.model_validate(user)


@router.get("/users")
def list_users(asking: Admin) -> dict[str, list[UserOut]]:
    with transaction() as db:
        found = db.scalars(
            select(User)
            .where(User.organisation_id == asking.organisation_id)
            .order_by(User.id)
            .limit(1000)
        )
        return {"items": [UserOut.model_validate(one) for one in found]}


@router.post("/users", status_code=201)
def create_user(body: NewUser, asking: Admin) -> UserOut:
    try:
        with transaction() as db:
            user = User(
                organisation_id=asking.organisation_id,
                email=body.email,
                name=body.name,
                role=body.role,
                password_hash=hash_password(body.password),
            )
            db.add(user)
            db.flush()
            note(db, asking.organisation_id, asking.email, "user-created", user.id)
            return UserOut.model_validate(user)
    except IntegrityError:
        raise HTTPException(409, "this address is taken") from None


@router.patch("/users/{user_id}")
def change_user(user_id: Id, body: UserChanges, asking: Admin) -> UserOut:
    with transaction() as db:
        user = user_of(db, asking, user_id)
        if body.name is not None:
            user.name = body.name
        if body.role is not None:
            user.role = body.role
            note(db, asking.organisation_id, asking.email, "role-changed", user.id)
        result = UserOut.model_validate(user)
    if body.role is not None:
        sessions.changed(user_id)
    return result


@router.delete("/users/{user_id}", status_code=204)
def delete_user(user_id: Id, asking: Admin) -> None:
    with transaction() as db:
        db.delete(user_of(db, asking, user_id))
        note(db, asking.organisation_id, asking.email, "user-deleted", user_id)
    sessions.end_all(user_id)
