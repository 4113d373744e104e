"""Invoices."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import AfterValidator
from sqlalchemy import func, or_, select

from access import Caller, Member, Reader, invoice_of
from audit import note
from crypto import decrypt, encrypt
from database import Invoice, transaction
from schemas import (
    Bulk,
    Id,
    InvoiceChanges,
    InvoiceOut,
    InvoicesOut,
    Line,
    NewInvoice,
    Page,
    PageSize,
    storable,
)

router = APIRouter(prefix="/v2/invoices", tags=["invoices"])
ORDERS = {
    "created_at": Invoice.id,
    "-created_at": Invoice.id.desc(),
    "total_cents": Invoice.total_cents,
    "-total_cents": Invoice.total_cents.desc(),
    "customer": Invoice.customer,
    "-customer": Invoice.customer.desc(),
}
Sort = Literal["created_at", "-created_at", "total_cents", "-total_cents", "customer", "-customer"]
Status = Literal["open", "paid"]
Search = Annotated[str, Query(max_length=100), AfterValidator(storable)]
SHOWN_OF_TAX_ID = 4


def shown(invoice: Invoice, asking: Caller) -> InvoiceOut:
    """Return an invoice as the caller may see it."""
    tax_id = decrypt(invoice.tax_id)
    if not asking.sees_tax_ids:
        tax_id = "*" * (len(tax_id) - SHOWN_OF_TAX_ID) + tax_id[-SHOWN_OF_TAX_ID:]
    return InvoiceOut(
        id=invoice.id,
        customer=invoice.customer,
        tax_id=tax_id,
        currency=invoice.currency,
        note=invoice.note,
        lines=invoice.lines,
        details=invoice.details,
        total_cents=invoice.total_cents,
        paid_cents=invoice.paid_cents,
        status=invoice.status,
        created_by=invoice.created_by,
        created_at=invoice.created_at,
    )


def total(lines: list[Line]) -> int:
    return sum(line.quantity * line.unit_cents for line in lines)


@router.post("", status_code=201)
def create(body: NewInvoice, asking: Member) -> InvoiceOut:
    with transaction() as db:
        invoice = Invoice(
            organisation_id=asking.organisation_id,
            customer=body.customer,
            tax_id=encrypt(body.tax_id),
            note=body.note,
            currency=body.currency,
            lines=[line.model_dump() for line in body.lines],
            details=body.details,
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
    q: Search = "",
    status: Status | None = None,
    sort: Sort = "-created_at",
    page: Page = 1,
    page_size: PageSize = 20,
) -> InvoicesOut:
    wanted = [Invoice.organisation_id == asking.organisation_id]
    if q:
        wanted.append(
            or_(
                Invoice.customer.icontains(q, autoescape=True),
                Invoice.note.icontains(q, autoescape=True),
            )
        )
    if status:
        wanted.append(Invoice.status == status)
    with transaction() as db:
        count = db.scalar(select(func.count()).select_from(Invoice).where(*wanted))
        found = db.scalars(
            select(Invoice)
            .where(*wanted)
            .order_by(ORDERS[sort], Invoice.id)
            .offset((page - 1) * page_size)
            .limit(page_size)
        )
        return InvoicesOut(items=[shown(one, asking) for one in found], total=count or 0)


@router.get("/{invoice_id}")
def get(invoice_id: Id, asking: Reader) -> InvoiceOut:
    with transaction() as db:
        return shown(invoice_of(db, asking, invoice_id), asking)


@router.patch("/{invoice_id}")
def change(invoice_id: Id, body: InvoiceChanges, asking: Member) -> InvoiceOut:
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id, lock=True)
        if invoice.paid_cents:
            raise HTTPException(409, "a payment was made for this invoice")
        if body.customer is not None:
            invoice.customer = body.customer
        if body.note is not None:
            invoice.note = body.note
        if body.details is not None:
            invoice.details = body.details
        if body.lines is not None:
            invoice.lines = [line.model_dump() for line in body.lines]
            invoice.total_cents = total(body.lines)
        note(db, asking.organisation_id, asking.email, "invoice-changed", invoice.id)
        return shown(invoice, asking)


@router.delete("/{invoice_id}", status_code=204)
def delete(invoice_id: Id, asking: Member) -> None:
    with transaction() as db:
        invoice = invoice_of(db, asking, invoice_id, lock=True)
        if invoice.paid_cents:
            raise HTTPException(409, "a payment was made for this invoice")
        db.delete(invoice)
        note(db, asking.organisation_id, asking.email, "invoice-deleted", invoice_id)


@router.post("/bulk")
def bulk(body: Bulk, asking: Member) -> dict[str, list[InvoiceOut]]:
    """Get or delete several invoices; ids that are not the caller's are passed over."""
    with transaction() as db:
        found = db.scalars(
            select(Invoice)
            .where(Invoice.id.in_(body.ids), Invoice.organisation_id == asking.organisation_id)
            .order_by(Invoice.id)
            .with_for_update()
        ).all()
        if body.action == "delete":
            found = [one for one in found if not one.paid_cents]
            for invoice in found:
                db.delete(invoice)
                note(db, asking.organisation_id, asking.email, "invoice-deleted", invoice.id)
        return {"items": [shown(one, asking) for one in found]}
