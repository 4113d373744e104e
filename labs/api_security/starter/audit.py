"""The audit log: who did what."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session

from access import Admin
from database import AuditEntry, transaction

router = APIRouter(prefix="/v2/audit", tags=["audit"])


def note(db: Session, organisation_id: int | None, actor: str, action: str, target: object) -> None:
    db.add(
        AuditEntry(organisation_id=organisation_id, actor=actor, action=action, target=str(target))
    )


@router.get("")
def entries(asking: Admin, page: int = 1, page_size: int = 20) -> dict[str, Any]:
    with transaction() as db:
        found = db.scalars(
            select(AuditEntry)
            .where(AuditEntry.organisation_id == asking.organisation_id)
            .order_by(AuditEntry.id.desc())
            .offset((page - 1) * page_size)
            .limit(page_size)
        )
        return {"items": [one.as_dict() for one in found]}
