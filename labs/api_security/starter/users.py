"""The people of an organisation."""

from typing import Any

from fastapi import APIRouter, HTTPException
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from access import Admin, Reader
from audit import note
from auth import set_password
from database import Base, User, transaction
from schemas import Changes, NewUser

router = APIRouter(prefix="/v2", tags=["users"])


def apply(changes: Changes, to: Base) -> None:
    """Write the fields that were sent."""
    for name, value in changes.model_dump().items():
        if hasattr(to, name):
            setattr(to, name, value)


@router.get("/me")
def me(asking: Reader) -> dict[str, Any]:
    with transaction() as db:
        user = db.get(User, asking.user_id)
        if not user:
            raise HTTPException(404, "no such user")
        return user.as_dict()


@router.patch("/me")
def change_me(body: Changes, asking: Reader) -> dict[str, Any]:
    with transaction() as db:
        user = db.get(User, asking.user_id)
        apply(body, user)
        return user.as_dict()


@router.get("/users")
def list_users(asking: Admin) -> dict[str, Any]:
    with transaction() as db:
        found = db.scalars(
            select(User).where(User.organisation_id == asking.organisation_id).order_by(User.id)
        )
        return {"items": [one.as_dict() for one in found]}


@router.post("/users", status_code=201)
def create_user(body: NewUser, asking: Admin) -> dict[str, Any]:
    try:
        with transaction() as db:
            user = User(
                organisation_id=asking.organisation_id,
                email=body.email,
                name=body.name,
                role=body.role,
            )
            set_password(user, body.password)
            db.add(user)
            db.flush()
            note(db, asking.organisation_id, asking.email, "user-created", user.id)
            return user.as_dict()
    except IntegrityError:
        raise HTTPException(409, "this address is taken") from None


@router.patch("/users/{user_id}")
def change_user(user_id: int, body: Changes, asking: Admin) -> dict[str, Any]:
    with transaction() as db:
        user = db.get(User, user_id)
        if not user:
            raise HTTPException(404, "no such user")
        apply(body, user)
        note(db, asking.organisation_id, asking.email, "role-changed", user.id)
        return user.as_dict()


@router.delete("/users/{user_id}", status_code=204)
def delete_user(user_id: int, asking: Admin) -> None:
    with transaction() as db:
        user = db.get(User, user_id)
        if not user:
            raise HTTPException(404, "no such user")
        db.delete(user)
        note(db, asking.organisation_id, asking.email, "user-deleted", user_id)
