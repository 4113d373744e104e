"""The origin's truth: its products, and what it says about them."""

import itertools
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from graders.checks import Asked, Reply

PAGE_ITEMS = 20
JSON_TYPE = {"Content-Type": "application/json"}
PATH = re.compile(r"/products(\?.*|/[a-z0-9-]+(/price)?)")
PAGE = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Product:
    """A product as the origin knows it; each write anywhere gives the next version."""

    id: str
    name: str
    category: str
    price_cents: int
    version: int

    @property
    def path(self) -> str:
        return f"/products/{self.id}"

    @property
    def page(self) -> str:
        return page_of(self.category)

    @property
    def price(self) -> str:
        return f"{self.path}/price"


def page_of(category: str, number: int = 1) -> str:
    return f"/products?category={category}&page={number}"


class Catalogue:
    """The products behind the service, and what the origin says about them."""

    def __init__(self) -> None:
        self.products: dict[str, Product] = {}
        self._versions = itertools.count(1)

    def put(self, product_id: str, name: str, category: str, price_cents: int) -> Product:
        """Write a product as the origin does; a check that calls this acts behind the service."""
        product = Product(product_id, name, category, price_cents, next(self._versions))
        self.products[product_id] = product
        return product

    def answer(self, asked: Asked) -> Reply:
        """Answer a call of the service, however strange it is."""
        status, body = self._answer(asked)
        return Reply(status, json.dumps(body).encode() if body else b"", JSON_TYPE if body else {})

    def _answer(self, asked: Asked) -> tuple[int, Any]:
        if not PATH.fullmatch(asked.target):
            return 404, {"detail": "no such path"}
        if asked.method == "GET":
            return self.truth(asked.target, asked.headers.get("X-Tenant"))
        product_id = asked.target.removeprefix("/products/")
        if asked.method == "PUT" and "/" not in product_id:
            return self._written(product_id, asked.body)
        if asked.method == "DELETE" and "/" not in product_id:
            gone = self.products.pop(product_id, None)
            return (204, None) if gone else (404, {"detail": "no such product"})
        return 405, {"detail": "no such call"}

    def truth(self, path: str, tenant: str | None = None) -> tuple[int, Any]:
        """Return what a GET of this path is answered now: the status, and the body."""
        target = urlsplit(path)
        _, _, *rest = target.path.split("/")
        if not rest:
            return self._page(parse_qs(target.query))
        product = self.products.get(rest[0])
        if product is None:
            return 404, {"detail": "no such product"}
        if rest[1:] == ["price"]:
            return (200, _price(product, tenant)) if tenant else (400, {"detail": "no X-Tenant"})
        return 200, vars(product).copy()

    def _page(self, query: Mapping[str, Sequence[str]]) -> tuple[int, Any]:
        category, number = query.get("category", [""])[0], query.get("page", ["1"])[0]
        if not category or not PAGE.fullmatch(number):
            return 422, {"detail": "a category and a page"}
        ours = sorted((one for one in self.products.values() if one.category == category), key=_id)
        first = (int(number) - 1) * PAGE_ITEMS
        is_last = len(ours) <= first + PAGE_ITEMS
        return 200, {
            "category": category,
            "page": int(number),
            "items": [vars(one).copy() for one in ours[first : first + PAGE_ITEMS]],
            "next": None if is_last else page_of(category, int(number) + 1),
        }

    def _written(self, product_id: str, body: bytes) -> tuple[int, Any]:
        try:
            fields = json.loads(body)
            name, category, cents = (fields[key] for key in ("name", "category", "price_cents"))
            if not (isinstance(name, str) and isinstance(category, str) and type(cents) is int):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            return 422, {"detail": "name, category and price_cents, as JSON"}
        return 200, vars(self.put(product_id, name, category, cents)).copy()


def _id(product: Product) -> str:
    return product.id


def _price(product: Product, tenant: str) -> dict[str, Any]:
    percent = 50 + zlib.crc32(tenant.encode()) % 50
    cents = product.price_cents * percent // 100
    return {
        "id": product.id,
        "tenant": tenant,
        "price_cents": cents,
        "version": product.version,
    }
