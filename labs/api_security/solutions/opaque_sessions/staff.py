"""What the platform's own staff sees and does."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel
from sqlalchemy import func, select

import sessions
from access import Staff
from audit import note
from database import Organisation, User, transaction
from schemas import Id, Page, PageSize, Suspension

router = APIRouter(prefix="/v2/admin", tags=["staff"])


class OrganisationOut(BaseModel):
    id: int
    name: str
    suspended: bool
    users: int


@router.get("/organisations")
def list_organisations(
    _asking: Staff, page: Page = 1, page_size: PageSize = 20
) -> dict[str, list[OrganisationOut]]:
    with transaction() as db:
        found = db.execute(
            select(Organisation, func.count(User.id))
            .outerjoin(User, User.organisation_id == Organisation.id)
            .group_by(Organisation.id)
            .order_by(Organisation.id.desc())
            .offset((page - 1) * page_size)
            .limit(page_size)
        )
        return {
            "items": [
                OrganisationOut(id=one.id, name=one.name, suspended=one.suspended, users=count)
                for one, count in found
            ]
        }


@router.post("/organisations/{organisation_id}/suspend", status_code=204)
def suspend(organisation_id: Id, body: Suspension, asking: Staff) -> None:
    with transaction() as db:
        organisation = db.get(Organisation, organisation_id)
        if not organisation:
            raise HTTPException(404, "no such organisation")
        organisation.suspended = body.suspended
        members = db.scalars(select(User.id).where(User.organisation_id == organisation_id)).all()
        note(db, asking.organisation_id, asking.email, "organisation-suspended", organisation_id)
    for user_id in members:
        sessions.changed(user_id)
