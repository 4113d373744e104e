"""API keys: they read invoices, and nothing else. Each is shown once."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from access import Admin
from audit import note
from database import ApiKey, transaction
from digest import digest, new_token
from schemas import Id, NewApiKey

router = APIRouter(prefix="/v2/api-keys", tags=["api keys"])


class ApiKeyOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str


class FreshApiKey(ApiKeyOut):
    key: str


@router.get("")
def list_keys(asking: Admin) -> dict[str, list[ApiKeyOut]]:
    with transaction() as db:
        found = db.scalars(
            select(ApiKey)
            .where(ApiKey.organisation_id == asking.organisation_id)
            .order_by(ApiKey.id)
        )
        return {"items": [ApiKeyOut.model_validate(one) for one in found]}


@router.post("", status_code=201)
def create(body: NewApiKey, asking: Admin) -> FreshApiKey:
    key = new_token()
    with transaction() as db:
        row = ApiKey(organisation_id=asking.organisation_id, name=body.name, key_hash=digest(key))
        db.add(row)
        db.flush()
        note(db, asking.organisation_id, asking.email, "api-key-created", row.id)
        return FreshApiKey(id=row.id, name=row.name, key=key)


@router.delete("/{key_id}", status_code=204)
def delete(key_id: Id, asking: Admin) -> None:
    with transaction() as db:
        row = db.scalar(
            select(ApiKey).where(
                ApiKey.id == key_id, ApiKey.organisation_id == asking.organisation_id
            )
        )
        if not row:
            raise HTTPException(404, "no such key")
        db.delete(row)
