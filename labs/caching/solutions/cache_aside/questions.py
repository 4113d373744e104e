"""What clients may ask for: whatever is answered alike is one question, however it was spelt."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = re.compile(r"[a-z0-9-]{1,40}")
TENANT = re.compile(r"[A-Za-z0-9_-]{1,40}")
PAGE = re.compile(r"[1-9][0-9]{0,3}")


class InvalidError(ValueError):
    """A question that has no answer, with the reason."""


class UnknownError(LookupError):
    """A product that cannot exist: its id breaks the rules for ids."""


@dataclass(frozen=True)
class Question:
    """Something to be asked of the origin; `subject` is what a write to it would change."""

    key: str
    path: str
    subject: str
    headers: dict[str, str] = field(default_factory=dict, compare=False)


def of_product(product_id: str) -> Question:
    """The product with this id."""
    require_id(product_id)
    return Question(f"product:{product_id}", f"/products/{product_id}", subject(product_id))


def of_page(category: str | None, page: str | None) -> Question:
    """A page of a category, the first one if none is named."""
    if not category or not NAME.fullmatch(category):
        raise InvalidError("category: 1 to 40 characters of a-z, 0-9 and -")
    number = "1" if page is None else page
    if not PAGE.fullmatch(number):
        raise InvalidError("page: a number from 1 to 9999")
    path = f"/products?category={category}&page={number}"
    return Question(f"page:{category}:{number}", path, ALL_PAGES)


def of_price(product_id: str, tenant: str | None) -> Question:
    """What a product costs a tenant."""
    require_id(product_id)
    if not tenant or not TENANT.fullmatch(tenant):
        raise InvalidError("X-Tenant: 1 to 40 letters, digits, - and _")
    key, path = f"price:{tenant}:{product_id}", f"/products/{product_id}/price"
    return Question(key, path, subject(product_id), {"X-Tenant": tenant})


ALL_PAGES = "pages"
"""The subject of every page: a product may move from one category to another."""


def subject(product_id: str) -> str:
    """What a write to this product changes, the pages apart."""
    return f"product:{product_id}"


def require_id(product_id: str) -> None:
    """Refuse what cannot be the id of a product."""
    if not NAME.fullmatch(product_id):
        raise UnknownError(product_id)
