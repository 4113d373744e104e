"""What clients may send, and what they are told."""

import datetime
import re
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

LARGEST_ID = 2**31 - 1
LARGEST_DETAILS = 4096
DEEPEST_DETAILS = 5
UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def storable(value: str) -> str:
    """Refuse control characters and halves of characters, which no column holds."""
    if UNSTORABLE.search(value):
        raise ValueError("control characters are not allowed")
    return value


def shallow(value: Any, depth: int = 1) -> Any:
    """Refuse what is nested too deep to be worked with."""
    if depth > DEEPEST_DETAILS:
        raise ValueError(f"nested deeper than {DEEPEST_DETAILS} levels")
    if isinstance(value, dict):
        for key, one in value.items():
            storable(key)
            shallow(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            shallow(one, depth + 1)
    elif isinstance(value, str):
        storable(value)
    return value


def small(value: dict[str, Any]) -> dict[str, Any]:
    if len(str(value)) > LARGEST_DETAILS:
        raise ValueError(f"larger than {LARGEST_DETAILS} characters")
    return value


def lower(value: str) -> str:
    return value.lower()


Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Text = Annotated[str, StringConstraints(max_length=500), AfterValidator(storable)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
Email = Annotated[
    str,
    StringConstraints(max_length=200, pattern=r"^[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+$"),
    AfterValidator(lower),
]
Password = Annotated[Text, StringConstraints(min_length=10, max_length=128)]
Token = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[!-~]*$")]
Role = Literal["admin", "member", "viewer"]
Cents = Annotated[int, Field(gt=0, le=10**12)]
Page = Annotated[int, Query(ge=1, le=10**6)]
PageSize = Annotated[int, Query(ge=1, le=100)]


class Input(BaseModel):
    """A body with exactly these fields: one more is an error, not a wish."""

    model_config = ConfigDict(extra="forbid")


class Registration(Input):
    organisation: Name
    email: Email
    name: Name
    password: Password


class Login(Input):
    email: Email
    password: Annotated[Text, StringConstraints(max_length=128)]


class Refresh(Input):
    refresh_token: Token


class PasswordChange(Input):
    old_password: Annotated[Text, StringConstraints(max_length=128)]
    new_password: Password


class Forgotten(Input):
    email: Email


class Reset(Input):
    token: Token
    new_password: Password


class MyChanges(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: Name


class NewUser(Input):
    email: Email
    name: Name
    password: Password
    role: Role


class UserChanges(Input):
    name: Name | None = None
    role: Role | None = None


class Line(Input):
    description: Text
    quantity: Annotated[int, Field(ge=1, le=10**6)]
    unit_cents: Annotated[int, Field(ge=0, le=10**9)]


Lines = Annotated[list[Line], Field(min_length=1, max_length=100)]
Details = Annotated[dict[str, Any], AfterValidator(shallow), AfterValidator(small)]


class NewInvoice(Input):
    customer: Name
    tax_id: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9-]{5,30}$")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "EUR"
    note: Text = ""
    lines: Lines
    details: Details = {}


class InvoiceChanges(Input):
    customer: Name | None = None
    note: Text | None = None
    lines: Lines | None = None
    details: Details | None = None


class Bulk(Input):
    action: Literal["get", "delete"]
    ids: Annotated[list[Annotated[int, Field(ge=1, le=LARGEST_ID)]], Field(max_length=100)]


class NewPayment(Input):
    amount_cents: Cents


class NewWebhook(Input):
    url: Annotated[Text, StringConstraints(min_length=1, max_length=500)]


class NewApiKey(Input):
    name: Name


class Suspension(Input):
    suspended: bool


class TokensOut(BaseModel):
    access_token: str
    refresh_token: str
    token_type: str = "bearer"
    expires_in: int


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    organisation_id: int
    email: str
    name: str
    role: str


class InvoiceOut(BaseModel):
    id: int
    customer: str
    tax_id: str
    currency: str
    note: str
    lines: list[Line]
    details: dict[str, Any]
    total_cents: int
    paid_cents: int
    status: str
    created_by: int
    created_at: datetime.datetime


class InvoicesOut(BaseModel):
    items: list[InvoiceOut]
    total: int


class PaymentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    invoice_id: int
    amount_cents: int


class AuditOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    at: datetime.datetime
    actor: str
    action: str
    target: str
