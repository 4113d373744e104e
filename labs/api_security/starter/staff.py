"""What the platform's own staff sees and does."""

from typing import Any

from fastapi import APIRouter, HTTPException
from sqlalchemy import func, select

from access import Admin
from audit import note
from database import Organisation, User, transaction
from schemas import Suspension

router = APIRouter(prefix="/v2/admin", tags=["staff"])


@router.get("/organisations")
def list_organisations(asking: Admin, page: int = 1, page_size: int = 20) -> dict[str, Any]:
    with transaction() as db:
        found = db.execute(
            select(Organisation, func.count(User.id))
            .outerjoin(User, User.organisation_id == Organisation.id)
            .group_by(Organisation.id)
            .order_by(Organisation.id.desc())
            .offset((page - 1) * page_size)
            .limit(page_size)
        )
        return {"items": [{**one.as_dict(), "users": count} for one, count in found]}


@router.post("/organisations/{organisation_id}/suspend", status_code=204)
def suspend(organisation_id: int, body: Suspension, asking: Admin) -> None:
    with transaction() as db:
        organisation = db.get(Organisation, organisation_id)
        if not organisation:
            raise HTTPException(404, "no such organisation")
        organisation.suspended = body.suspended
        note(db, asking.organisation_id, asking.email, "organisation-suspended", organisation_id)
