"""What clients send."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Registration(BaseModel):
    organisation: str
    email: str
    name: str
    password: str = Field(min_length=10)


class Credentials(BaseModel):
    email: str
    password: str


class RefreshToken(BaseModel):
    refresh_token: str


class PasswordChange(BaseModel):
    old_password: str
    new_password: str = Field(min_length=10)


class Forgotten(BaseModel):
    email: str


class Reset(BaseModel):
    token: str
    new_password: str = Field(min_length=10)


class NewUser(BaseModel):
    email: str
    name: str
    password: str = Field(min_length=10)
    role: str


class Changes(BaseModel):
    """Some fields of an object; those that are not sent stay as they are."""

    model_config = ConfigDict(extra="allow")


class Line(BaseModel):
    description: str
    quantity: int = Field(ge=1)
    unit_cents: int = Field(ge=0)


class NewInvoice(BaseModel):
    customer: str
    tax_id: str
    currency: str = "EUR"
    note: str = ""
    lines: list[Line]
    details: dict[str, Any] = {}


class Bulk(BaseModel):
    action: str
    ids: list[int]


class NewPayment(BaseModel):
    amount_cents: int = Field(gt=0)


class NewWebhook(BaseModel):
    url: str


class NewApiKey(BaseModel):
    name: str


class Suspension(BaseModel):
    suspended: bool
