"""The audit log: who did what. Entries are written with the change they tell of."""

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session

from access import Admin
from database import AuditEntry, transaction
from schemas import AuditOut, Page, PageSize

router = APIRouter(prefix="/v2/audit", tags=["audit"])


def note(db: Session, organisation_id: int | None, actor: str, action: str, target: object) -> None:
    """Add an entry; `target` is an id, never a secret."""
    db.add(
        AuditEntry(organisation_id=organisation_id, actor=actor, action=action, target=str(target))
    )


@router.get("")
def entries(asking: Admin, page: Page = 1, page_size: PageSize = 20) -> dict[str, list[AuditOut]]:
    with transaction() as db:
        found = db.scalars(
            select(AuditEntry)
            .where(AuditEntry.organisation_id == asking.organisation_id)
            .order_by(AuditEntry.id.desc())
            .offset((page - 1) * page_size)
            .limit(page_size)
        )
        return {"items": [AuditOut.model_validate(one) for one in found]}
