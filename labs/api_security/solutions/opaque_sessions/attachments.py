"""Files that belong to an invoice; they live in the database, where names are only names."""

import re
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from starlette.concurrency import run_in_threadpool

from access import Caller, Member, Viewer, invoice_of
from database import Attachment, transaction
from schemas import Id

router = APIRouter(prefix="/v2/invoices/{invoice_id}/attachments", tags=["attachments"])
SAFE_NAME = r"^[A-Za-z0-9_-][A-Za-z0-9 ._-]{0,99}$"
MOST_ATTACHMENTS = 20
NEW = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}


class AttachmentOut(BaseModel):
    name: str
    size: int


@router.get("")
def list_attachments(invoice_id: Id, asking: Viewer) -> dict[str, list[AttachmentOut]]:
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id)
        found = db.execute(
            select(Attachment.name, func.length(Attachment.content))
            .where(Attachment.invoice_id == invoice.id)
            .order_by(Attachment.id)
        )
        return {"items": [AttachmentOut(name=name, size=size) for name, size in found]}


@router.post("", status_code=201, openapi_extra=NEW)
async def upload(
    invoice_id: Id,
    request: Request,
    asking: Member,
    name: Annotated[str, Query(pattern=SAFE_NAME)],
) -> AttachmentOut:
    return await run_in_threadpool(keep, invoice_id, asking, name, await request.body())


def keep(invoice_id: int, asking: Caller, name: str, content: bytes) -> AttachmentOut:
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id, lock=True)
        held = db.scalar(
            select(func.count())
            .select_from(Attachment)
            .where(Attachment.invoice_id == invoice.id, Attachment.name != name)
        )
        if held >= MOST_ATTACHMENTS:
            raise HTTPException(409, f"an invoice has {MOST_ATTACHMENTS} attachments at most")
        row = insert(Attachment).values(invoice_id=invoice.id, name=name, content=content)
        db.execute(
            row.on_conflict_do_update(
                index_elements=["invoice_id", "name"], set_={"content": content}
            )
        )
    return AttachmentOut(name=name, size=len(content))


@router.get("/{name}", response_class=Response)
def download(
    invoice_id: Id, asking: Viewer, name: Annotated[str, Path(max_length=200)]
) -> Response:
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id)
        found = None
        if re.fullmatch(SAFE_NAME, name):
            found = db.scalar(
                select(Attachment).where(
                    Attachment.invoice_id == invoice.id, Attachment.name == name
                )
            )
    if not found:
        raise HTTPException(404, "no such attachment")
    # Whatever the bytes are, a browser saves them and never shows them as a page of ours.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(found.content, media_type="application/octet-stream", headers=headers)
