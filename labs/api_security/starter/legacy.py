"""Version 1, which the first mobile application used."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select

from access import Reader
from database import Invoice, User, transaction
from invoices import find

router = APIRouter(prefix="/v1", tags=["v1"])
PAGE = 100


@router.get("/invoices")
def list_invoices(asking: Reader, organisation_id: int | None = None) -> list[dict[str, Any]]:
    wanted = organisation_id or asking.organisation_id
    with transaction() as db:
        found = db.scalars(select(Invoice).where(Invoice.organisation_id == wanted).limit(PAGE))
        return [one.as_dict() for one in found]


@router.get("/invoices/{invoice_id}")
def get(invoice_id: int, asking: Reader) -> dict[str, Any]:
    with transaction() as db:
        return find(db, invoice_id).as_dict()


@router.get("/users")
def list_users(asking: Reader) -> list[dict[str, Any]]:
    with transaction() as db:
        return [one.as_dict() for one in db.scalars(select(User).limit(PAGE))]
