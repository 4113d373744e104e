"""Invoices."""

from typing import Any

from fastapi import APIRouter, HTTPException
from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from access import Caller, Reader, Writer
from audit import note
from database import Invoice, transaction
from schemas import Bulk, Changes, Line, NewInvoice
from users import apply

router = APIRouter(prefix="/v2/invoices", tags=["invoices"])
SHOWN_OF_TAX_ID = 4


def find(db: Session, invoice_id: int) -> Invoice:
    invoice = db.get(Invoice, invoice_id)
    if not invoice:
        raise HTTPException(404, "no such invoice")
    return invoice


def shown(invoice: Invoice, asking: Caller) -> dict[str, Any]:
    """Return an invoice; viewers see the end of the tax id."""
    columns = invoice.as_dict()
    if asking.role == "viewer":
        columns["tax_id"] = "***" + invoice.tax_id[-SHOWN_OF_TAX_ID:]
    return columns


def total(lines: list[Line]) -> int:
    return sum(line.quantity * line.unit_cents for line in lines)


@router.post("", status_code=201)
def create(body: NewInvoice, asking: Writer) -> dict[str, Any]:
    with transaction() as db:
        invoice = Invoice(
            **body.model_dump(),
            organisation_id=asking.organisation_id,
            total_cents=total(body.lines),
            created_by=asking.user_id,
        )
        db.add(invoice)
        db.flush()
        note(db, asking.organisation_id, asking.email, "invoice-created", invoice.id)
        return shown(invoice, asking)


@router.get("")
def list_invoices(
    asking: Reader,
    q: str = "",
    status: str | None = None,
    sort: str = "-created_at",
    page: int = 1,
    page_size: int = 20,
) -> dict[str, Any]:
    wanted = [Invoice.organisation_id == asking.organisation_id]
    if q:
        wanted.append(or_(Invoice.customer.icontains(q), Invoice.note.icontains(q)))
    if status:
        wanted.append(Invoice.status == status)
    order = f"{sort[1:]} DESC" if sort.startswith("-") else sort
    with transaction() as db:
        count = db.scalar(select(func.count()).select_from(Invoice).where(*wanted))
        found = db.scalars(
            select(Invoice)
            .where(*wanted)
            .order_by(text(order))
            .offset((page - 1) * page_size)
            .limit(page_size)
        )
        return {"items": [one.as_dict() for one in found], "total": count}


@router.get("/{invoice_id}")
def get(invoice_id: int, asking: Reader) -> dict[str, Any]:
    with transaction() as db:
        invoice = find(db, invoice_id)
        if invoice.organisation_id != asking.organisation_id:
            raise HTTPException(404, "no such invoice")
        return shown(invoice, asking)


@router.patch("/{invoice_id}")
def change(invoice_id: int, body: Changes, asking: Writer) -> dict[str, Any]:
    with transaction() as db:
        invoice = find(db, invoice_id)
        apply(body, invoice)
        if "lines" in body.model_dump():
            invoice.total_cents = total([Line(**line) for line in invoice.lines])
        note(db, asking.organisation_id, asking.email, "invoice-changed", invoice.id)
        return shown(invoice, asking)


@router.delete("/{invoice_id}", status_code=204)
def delete(invoice_id: int, asking: Reader) -> None:
    with transaction() as db:
        invoice = find(db, invoice_id)
        if invoice.paid_cents:
            raise HTTPException(409, "a payment was made for this invoice")
        db.delete(invoice)
        note(db, asking.organisation_id, asking.email, "invoice-deleted", invoice_id)


@router.post("/bulk")
def bulk(body: Bulk, asking: Writer) -> dict[str, Any]:
    """Get or delete several invoices at once."""
    with transaction() as db:
        found = db.scalars(select(Invoice).where(Invoice.id.in_(body.ids))).all()
        if body.action == "delete":
            for invoice in found:
                db.delete(invoice)
                note(db, asking.organisation_id, asking.email, "invoice-deleted", invoice.id)
        return {"items": [shown(one, asking) for one in found]}
