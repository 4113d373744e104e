"""Files that belong to an invoice; on the disk each has a random name, the client's is a column."""

import re
import secrets
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

import settings
from access import Caller, Member, Viewer, invoice_of
from database import Attachment, transaction
from schemas import Id

router = APIRouter(prefix="/v2/invoices/{invoice_id}/attachments", tags=["attachments"])
SAFE_NAME = r"^[A-Za-z0-9_-][A-Za-z0-9 ._-]{0,99}$"
MOST_ATTACHMENTS = 20
NEW = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}
folder = File(settings.FILES_DIR)


class AttachmentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    size: int


@router.get("")
def list_attachments(invoice_id: Id, asking: Viewer) -> dict[str, list[AttachmentOut]]:
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id)
        found = db.scalars(
            select(Attachment).where(Attachment.invoice_id == invoice.id).order_by(Attachment.id)
        )
        return {"items": [AttachmentOut.model_validate(one) for one in found]}


@router.post("", status_code=201, openapi_extra=NEW)
async def upload(
    invoice_id: Id, request: Request, asking: Member, name: Annotated[str, Query(pattern=SAFE_NAME)]
) -> AttachmentOut:
    return await run_in_threadpool(keep, invoice_id, asking, name, await request.body())


def keep(invoice_id: int, asking: Caller, name: str, content: bytes) -> AttachmentOut:
    """Write a new file, then let the row lead to it; what it led to before is removed."""
    stored_as, old = secrets.token_hex(16), None
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id, lock=True)
        held = db.scalars(select(Attachment).where(Attachment.invoice_id == invoice.id)).all()
        row = next((one for one in held if one.name == name), None)
        if not row and len(held) >= MOST_ATTACHMENTS:
            raise HTTPException(409, f"an invoice has {MOST_ATTACHMENTS} attachments at most")
        folder.mkdir(exist_ok=True)
        (folder / stored_as).write_bytes(content)
        if row:
            old, row.stored_as, row.size = row.stored_as, stored_as, len(content)
        else:
            db.add(
                Attachment(invoice_id=invoice.id, name=name, size=len(content), stored_as=stored_as)
            )
    if old:
        (folder / old).unlink(missing_ok=True)
    return AttachmentOut(name=name, size=len(content))


@router.get("/{name}", response_class=Response)
def download(
    invoice_id: Id, asking: Viewer, name: Annotated[str, Path(max_length=200)]
) -> Response:
    stored_as = None
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id)
        if re.fullmatch(SAFE_NAME, name):
            stored_as = db.scalar(
                select(Attachment.stored_as).where(
                    Attachment.invoice_id == invoice.id, Attachment.name == name
                )
            )
    if not stored_as:
        raise HTTPException(404, "no such attachment")
    # Whatever the bytes are, a browser saves them and never shows them as a page of ours.
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    content = (folder / stored_as).read_bytes()
    return Response(content, media_type="application/octet-stream", headers=headers)
