"""Webhooks: URLs of customers that are told what happens."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import egress
from access import Admin, Caller
from audit import note
from database import Webhook, transaction
from schemas import Id, NewWebhook

router = APIRouter(prefix="/v2/webhooks", tags=["webhooks"])
MOST_WEBHOOKS = 200


class WebhookOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    url: str


class Delivery(BaseModel):
    delivered: bool
    status: int | None


def webhook_of(db: Session, asking: Caller, webhook_id: int) -> Webhook:
    found = db.scalar(
        select(Webhook).where(
            Webhook.id == webhook_id, Webhook.organisation_id == asking.organisation_id
        )
    )
    if not found:
        raise HTTPException(404, "no such webhook")
    return found


@router.get("")
def list_webhooks(asking: Admin) -> dict[str, list[WebhookOut]]:
    with transaction() as db:
        found = db.scalars(
            select(Webhook)
            .where(Webhook.organisation_id == asking.organisation_id)
            .order_by(Webhook.id)
        )
        return {"items": [WebhookOut.model_validate(one) for one in found]}


@router.post("", status_code=201)
def create(body: NewWebhook, asking: Admin) -> WebhookOut:
    try:
        egress.target(body.url)
    except egress.Refused as reason:
        raise HTTPException(422, f"url: {reason}") from None
    with transaction() as db:
        mine = Webhook.organisation_id == asking.organisation_id
        if db.scalar(select(func.count()).select_from(Webhook).where(mine)) >= MOST_WEBHOOKS:
            raise HTTPException(409, f"an organisation has {MOST_WEBHOOKS} webhooks at most")
        webhook = Webhook(organisation_id=asking.organisation_id, url=body.url)
        db.add(webhook)
        db.flush()
        note(db, asking.organisation_id, asking.email, "webhook-created", webhook.id)
        return WebhookOut.model_validate(webhook)


@router.delete("/{webhook_id}", status_code=204)
def delete(webhook_id: Id, asking: Admin) -> None:
    with transaction() as db:
        db.delete(webhook_of(db, asking, webhook_id))


@router.post("/{webhook_id}/test")
def test(webhook_id: Id, asking: Admin) -> Delivery:
    """Send a test event now."""
    with transaction() as db:
        url = webhook_of(db, asking, webhook_id).url
    try:
        status = egress.deliver(url, {"event": "ping", "webhook_id": webhook_id})
    except egress.Refused:
        return Delivery(delivered=False, status=None)
    return Delivery(delivered=200 <= status < 300, status=status)
