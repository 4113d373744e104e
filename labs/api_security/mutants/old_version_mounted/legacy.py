"""Version 1, for the first mobile application."""

from typing import Any

from fastapi import APIRouter

from access import Reader
from crypto import decrypt
from database import Invoice, transaction
from schemas import Id

router = APIRouter(prefix="/v1", tags=["v1"])


@router.get("/invoices/{invoice_id}")
def get(invoice_id: Id, asking: Reader) -> dict[str, Any]:
    with transaction() as db:
        invoice = db.get(Invoice, invoice_id)
        if not invoice:
            return {}
        return {"customer": invoice.customer, "tax_id": decrypt(invoice.tax_id)}
