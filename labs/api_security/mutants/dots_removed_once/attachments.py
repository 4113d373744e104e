"""Files that belong to an invoice, in a folder of its own."""

from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

import settings
from access import Caller, Member, Viewer, invoice_of
from database import transaction
from schemas import Id

router = APIRouter(prefix="/v2/invoices/{invoice_id}/attachments", tags=["attachments"])


class AttachmentOut(BaseModel):
    name: str
    size: int


def place(invoice_id: int, name: str) -> File:
    folder = File(settings.FILES_DIR) / str(invoice_id)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name.replace("../", "").lstrip("/")


@router.get("")
def list_attachments(invoice_id: Id, asking: Viewer) -> dict[str, list[AttachmentOut]]:
    with transaction() as db:
        invoice_of(db, asking, invoice_id)
    files = sorted(one for one in place(invoice_id, "x").parent.iterdir() if one.is_file())
    return {"items": [AttachmentOut(name=one.name, size=one.stat().st_size) for one in files]}


@router.post("", status_code=201)
async def upload(
    invoice_id: Id, request: Request, asking: Member, name: Annotated[str, Query(max_length=200)]
) -> AttachmentOut:
    return await run_in_threadpool(keep, invoice_id, asking, name, await request.body())


def keep(invoice_id: int, asking: Caller, name: str, content: bytes) -> AttachmentOut:
    with transaction() as db:
        invoice_of(db, asking, invoice_id)
    try:
        place(invoice_id, name).write_bytes(content)
    except (OSError, ValueError):
        raise HTTPException(422, "name") from None
    return AttachmentOut(name=name, size=len(content))


@router.get("/{name:path}", response_class=Response)
def download(invoice_id: Id, asking: Viewer, name: str) -> Response:
    with transaction() as db:
        invoice_of(db, asking, invoice_id)
    try:
        content = place(invoice_id, name).read_bytes()
    except (OSError, ValueError):
        raise HTTPException(404, "no such attachment") from None
    headers = {"Content-Disposition": "attachment"}
    return Response(content, media_type="application/octet-stream", headers=headers)
