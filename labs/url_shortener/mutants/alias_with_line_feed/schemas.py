"""The bodies of requests and answers."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StrictInt, StrictStr

from config import CONFIG
from urls import check_url

TEN_YEARS_S = 10 * 365 * 24 * 3600
RESERVED = frozenset(
    {"api", "healthz", "docs", "redoc", "openapi.json", "favicon.ico", "robots.txt"}
)


def _check_url(url: str) -> str:
    return check_url(url, CONFIG.base_url)


def _check_alias(alias: str) -> str:
    if not re.match(r"^[A-Za-z0-9_-]{1,64}$", alias):
        raise ValueError("must have 1 to 64 letters, digits, - or _")
    if alias in RESERVED:
        raise ValueError("is a word this service needs for itself")
    return alias


Url = Annotated[StrictStr, AfterValidator(_check_url)]
Alias = Annotated[StrictStr, AfterValidator(_check_alias)]


class NewLink(BaseModel):
    """What a client asks for."""

    url: Url
    alias: Alias | None = None
    expires_in_s: Annotated[StrictInt, Field(ge=1, le=TEN_YEARS_S)] | None = None


class CreatedLink(BaseModel):
    """A link as its creator sees it."""

    code: str
    short_url: str
    url: str
    created_at: datetime
    expires_at: datetime | None


class LinkStatus(CreatedLink):
    """A link with how often it was followed."""

    clicks: int
