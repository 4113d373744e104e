"""API keys for programs that read invoices."""

import secrets
from typing import Any

from fastapi import APIRouter, HTTPException
from sqlalchemy import select

from access import Admin
from audit import note
from database import ApiKey, transaction
from schemas import NewApiKey

router = APIRouter(prefix="/v2/api-keys", tags=["api keys"])


@router.get("")
def list_keys(asking: Admin) -> dict[str, Any]:
    with transaction() as db:
        found = db.scalars(select(ApiKey).where(ApiKey.organisation_id == asking.organisation_id))
        return {"items": [one.as_dict() for one in found]}


@router.post("", status_code=201)
def create(body: NewApiKey, asking: Admin) -> dict[str, Any]:
    with transaction() as db:
        row = ApiKey(
            organisation_id=asking.organisation_id, name=body.name, key=secrets.token_urlsafe(32)
        )
        db.add(row)
        db.flush()
        note(db, asking.organisation_id, asking.email, "api-key-created", row.id)
        return row.as_dict()


@router.delete("/{key_id}", status_code=204)
def delete(key_id: int, asking: Admin) -> None:
    with transaction() as db:
        row = db.get(ApiKey, key_id)
        if not row:
            raise HTTPException(404, "no such key")
        db.delete(row)
