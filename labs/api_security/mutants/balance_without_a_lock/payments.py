"""Payments: each exactly once, and never more than is owed."""

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException
from pydantic import AfterValidator
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from access import Member, Viewer, invoice_of
from audit import note
from database import Payment, transaction
from schemas import Id, NewPayment, PaymentOut, storable

router = APIRouter(prefix="/v2/invoices/{invoice_id}/payments", tags=["payments"])
Key = Annotated[str, Header(min_length=1, max_length=100), AfterValidator(storable)]


@router.get("")
def list_payments(invoice_id: Id, asking: Viewer) -> dict[str, list[PaymentOut]]:
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id)
        found = db.scalars(
            select(Payment).where(Payment.invoice_id == invoice.id).order_by(Payment.id)
        )
        return {"items": [PaymentOut.model_validate(one) for one in found]}


@router.post("", status_code=201)
def pay(invoice_id: Id, body: NewPayment, asking: Member, idempotency_key: Key) -> PaymentOut:
    try:
        with transaction() as db:
            # The lock makes payments of one invoice take turns: what is owed can't be spent twice.
            invoice = invoice_of(db, asking, invoice_id)
            earlier = db.scalar(
                select(Payment).where(
                    Payment.organisation_id == asking.organisation_id,
                    Payment.idempotency_key == idempotency_key,
                )
            )
            if earlier:
                if (earlier.invoice_id, earlier.amount_cents) != (invoice_id, body.amount_cents):
                    raise HTTPException(409, "this Idempotency-Key paid something else")
                return PaymentOut.model_validate(earlier)
            if invoice.paid_cents + body.amount_cents > invoice.total_cents:
                raise HTTPException(409, "this is more than is owed")
            payment = Payment(
                organisation_id=asking.organisation_id,
                invoice_id=invoice.id,
                amount_cents=body.amount_cents,
                idempotency_key=idempotency_key,
            )
            db.add(payment)
            invoice.paid_cents += body.amount_cents
            if invoice.paid_cents == invoice.total_cents:
                invoice.status = "paid"
            db.flush()
            note(db, asking.organisation_id, asking.email, "payment", payment.id)
            return PaymentOut.model_validate(payment)
    except IntegrityError:  # the same key at the same moment
        return pay(invoice_id, body, asking, idempotency_key)
