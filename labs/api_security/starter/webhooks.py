"""Webhooks: URLs of customers that are told what happens."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException
from sqlalchemy import select

import settings
from access import Admin
from audit import note
from database import Webhook, transaction
from schemas import NewWebhook

router = APIRouter(prefix="/v2/webhooks", tags=["webhooks"])
TIMEOUT_S = 3.0
PRIVATE = ("127.", "10.", "192.168.", "169.254.", "localhost")
outside = urllib.request.build_opener(urllib.request.ProxyHandler({"http": settings.EGRESS_PROXY}))


def check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HTTPException(422, "url must be http or https")
    if parts.hostname.startswith(PRIVATE):
        raise HTTPException(422, "url must be public")


def find(webhook_id: int) -> Webhook:
    with transaction() as db:
        webhook = db.get(Webhook, webhook_id)
    if not webhook:
        raise HTTPException(404, "no such webhook")
    return webhook


@router.get("")
def list_webhooks(asking: Admin) -> dict[str, Any]:
    with transaction() as db:
        found = db.scalars(select(Webhook).where(Webhook.organisation_id == asking.organisation_id))
        return {"items": [one.as_dict() for one in found]}


@router.post("", status_code=201)
def create(body: NewWebhook, asking: Admin) -> dict[str, Any]:
    check(body.url)
    with transaction() as db:
        webhook = Webhook(organisation_id=asking.organisation_id, url=body.url)
        db.add(webhook)
        db.flush()
        note(db, asking.organisation_id, asking.email, "webhook-created", webhook.id)
        return webhook.as_dict()


@router.delete("/{webhook_id}", status_code=204)
def delete(webhook_id: int, asking: Admin) -> None:
    webhook = find(webhook_id)
    with transaction() as db:
        db.delete(webhook)


@router.post("/{webhook_id}/test")
def test(webhook_id: int, asking: Admin) -> dict[str, Any]:
    """Send a test event now, and show what came back."""
    event = json.dumps({"event": "ping", "webhook_id": webhook_id}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(find(webhook_id).url, event, headers)
    try:
        with outside.open(request, timeout=TIMEOUT_S) as answer:
            body = answer.read().decode(errors="replace")
            return {"delivered": True, "status": answer.status, "body": body}
    except urllib.error.HTTPError as error:
        return {"delivered": False, "status": error.code, "body": ""}
    except OSError as error:
        return {"delivered": False, "status": None, "body": str(error)}
