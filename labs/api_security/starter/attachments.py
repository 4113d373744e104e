"""Files that belong to an invoice, kept in a folder of its own."""

import mimetypes
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

import settings
from access import Reader, Writer

router = APIRouter(prefix="/v2/invoices/{invoice_id}/attachments", tags=["attachments"])


def folder(invoice_id: int) -> Path:
    path = Path(settings.FILES_DIR) / str(invoice_id)
    path.mkdir(parents=True, exist_ok=True)
    return path


@router.get("")
def list_attachments(invoice_id: int, asking: Reader) -> dict[str, Any]:
    files = sorted(folder(invoice_id).iterdir())
    return {"items": [{"name": one.name, "size": one.stat().st_size} for one in files]}


@router.post("", status_code=201)
async def upload(invoice_id: int, request: Request, asking: Writer, name: str) -> dict[str, Any]:
    content = await request.body()
    (folder(invoice_id) / name).write_bytes(content)
    return {"name": name, "size": len(content)}


@router.get("/{name:path}")
def download(invoice_id: int, name: str, asking: Reader) -> Response:
    path = folder(invoice_id) / name
    if not path.is_file():
        raise HTTPException(404, "no such attachment")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(path.read_bytes(), media_type=kind)
