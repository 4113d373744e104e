"""Payments."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException
from sqlalchemy import select

from access import Reader, Writer
from database import Payment, transaction
from invoices import find
from schemas import NewPayment
from security import store

router = APIRouter(prefix="/v2/invoices/{invoice_id}/payments", tags=["payments"])
REMEMBERED_FOR_S = 86_400


@router.get("")
def list_payments(invoice_id: int, asking: Reader) -> dict[str, Any]:
    with transaction() as db:
        found = db.scalars(
            select(Payment).where(Payment.invoice_id == invoice_id).order_by(Payment.id)
        )
        return {"items": [one.as_dict() for one in found]}


@router.post("", status_code=201)
def pay(
    invoice_id: int, body: NewPayment, asking: Writer, idempotency_key: Annotated[str, Header()]
) -> dict[str, Any]:
    if earlier := store.get(f"payment:{idempotency_key}"):
        with transaction() as db:
            return db.get(Payment, int(earlier)).as_dict()
    with transaction() as db:
        invoice = find(db, invoice_id)
        if invoice.paid_cents + body.amount_cents > invoice.total_cents:
            raise HTTPException(409, "this is more than is owed")
        payment = Payment(invoice_id=invoice.id, amount_cents=body.amount_cents)
        db.add(payment)
        invoice.paid_cents += body.amount_cents
        if invoice.paid_cents == invoice.total_cents:
            invoice.status = "paid"
        db.flush()
    store.set(f"payment:{idempotency_key}", payment.id, ex=REMEMBERED_FOR_S)
    return payment.as_dict()
