"""What the checks of this lab share: the origin's catalogue, and a service in front of it."""

import itertools
import json
import random
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from graders.checks import (
    Answer,
    App,
    Asked,
    Call,
    Drawing,
    Inconclusive,
    Origin,
    Reply,
    Tone,
    expect,
)

PAGE_ITEMS = 20
ELSEWHERE_WITHIN_S = 1.0  # the contract: other replicas may show a write so late
ANSWERS_WITHIN_S = 6.0  # the contract, whatever fails
HEALED_WITHIN_S = 1.0  # the contract: an error of the origin is not remembered for longer
WATCHED_S = 0.3
AGAIN = "after the last"
LOAD_PRODUCTS = 400
LOAD_CATEGORIES = 10
LOAD_PRICED, LOAD_TENANTS = 30, ("acme", "globex", "initech")
PROBED_PRODUCTS = 40
RARE_PRODUCTS = 4000
WARMING_DELAY_S = 0.02  # nobody learns anything from waiting for that
LOAD_DELAY_S = 0.2  # so that whoever waits for a fetch of somebody else can be told from a hit
FAILURES = ("answers 5", "hangs")

JSON_TYPE = {"Content-Type": "application/json"}
PATH = re.compile(r"/products(\?.*|/[a-z0-9-]+(/price)?)")
PAGE = re.compile(r"[1-9][0-9]{0,3}")


# ------------------------------------------------------------------ the origin's truth


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


# ------------------------------------------------------------------ a service in front of it


@dataclass
class Site:
    """A running service, the origin behind it, and the products nobody has asked for yet."""

    app: App
    origin: Origin
    catalogue: Catalogue
    rng: random.Random
    ttl_s: float
    stale_s: float
    answers: list[Answer] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # -------------------------------------------------------------- products

    def word(self, prefix: str) -> str:
        """Return a name nobody has used."""
        return f"{prefix}-{self.rng.getrandbits(40):010x}"

    def new(self, count: int = 1, category: str = "") -> list[Product]:
        """Make products in a category of their own, behind the service's back."""
        category = category or self.word("c")
        return [
            self.catalogue.put(
                self.word("p"), f"Product {next(self._numbers)}", category, 100 * (number + 100)
            )
            for number in range(count)
        ]

    def now(self, product: Product) -> Product:
        """Return a product as it is now."""
        return self.catalogue.products[product.id]

    # -------------------------------------------------------------- asking

    def ask(self, path: str, at: int = 0, tenant: str | None = None, **options: Any) -> Answer:
        """GET a path from one replica."""
        headers = {**({"X-Tenant": tenant} if tenant else {}), **options.pop("headers", {})}
        options.setdefault("timeout_s", ANSWERS_WITHIN_S + 2)
        answer = self.app.replicas[at].get(path, headers=headers, **options)
        self.answers.append(answer)
        return answer

    def ask_all(
        self, calls: Sequence[Call], at_once: int = 20, timeout_s: float = ANSWERS_WITHIN_S + 2
    ) -> list[Answer]:
        """Send calls to all replicas in turn, many at once; answers in order."""
        bases = itertools.cycle([one.base_url for one in self.app.replicas])
        targets = [(next(bases), call) for call in calls]
        answers = self.app.client.send_all(targets, at_once, timeout_s)
        self.answers += answers
        return answers

    def put(self, product: Product, at: int = 0, **changes: Any) -> Answer:
        """Write a product through the service; it must be accepted."""
        body = {"name": product.name, "category": product.category, **changes}
        body.setdefault("price_cents", self.rng.randrange(1000, 100_000))
        answer = self.app.replicas[at].put(product.path, json=body, timeout_s=ANSWERS_WITHIN_S + 2)
        answer.expect({200, 201}, "the product is valid and the origin is well" + self.remark())
        return answer

    def delete(self, product: Product, at: int = 0) -> Answer:
        """Delete a product through the service; it must be accepted."""
        answer = self.app.replicas[at].delete(product.path, timeout_s=ANSWERS_WITHIN_S + 2)
        return answer.expect({200, 204}, "the product exists and the origin is well")

    def settle(self) -> None:
        """Let the origin become quiet, and its failures be as long ago as they may be felt."""
        self.origin.wait_until_quiet(quiet_s=0.1)
        failures = [fault for fault in self.origin.faults if fault[2].startswith(FAILURES)]
        ended_s = max((fault[1] for fault in failures if fault[1]), default=0.0)
        time.sleep(max(0.0, ended_s + HEALED_WITHIN_S - time.monotonic()))

    # -------------------------------------------------------------- the truth

    def is_true(self, answer: Answer, path: str, tenant: str | None = None) -> bool:
        """Say if an answer tells what the origin would tell now."""
        status, body = self.catalogue.truth(path, tenant)
        if status != 200 or answer.status != 200:
            return answer.status == status
        try:
            return bool(json.loads(answer.body) == body)
        except (ValueError, RecursionError):
            return False

    def expect_true(
        self, answer: Answer, path: str, tenant: str | None = None, step: str = ""
    ) -> None:
        """Demand that an answer tells what the origin would tell now."""
        status, body = self.catalogue.truth(path, tenant)
        shown = f"{status} {json.dumps(body)[:300]}, what the origin knows"
        expect(self.is_true(answer, path, tenant), shown, f"{answer}{self.remark()}", step, answer)

    def expect_now(
        self, path: str, at: int = 0, tenant: str | None = None, step: str = ""
    ) -> Answer:
        """Ask one replica, which must tell the truth at once."""
        answer = self.ask(path, at, tenant)
        self.expect_true(answer, path, tenant, step)
        return answer

    def expect_soon(
        self,
        path: str,
        at: int,
        tenant: str | None = None,
        step: str = "",
        within_s: float = ELSEWHERE_WITHIN_S,
    ) -> None:
        """Ask one replica until it tells the truth, which it must in time, and from then on."""
        due_s = time.monotonic() + within_s
        while True:
            asked_at_s = time.monotonic()
            answer = self.ask(path, at, tenant)
            # A question asked too early says nothing about the deadline, however late its answer.
            if self.is_true(answer, path, tenant) or asked_at_s >= due_s:
                break
            time.sleep(0.02)
        self.expect_true(answer, path, tenant, step)

    def expect_lasting(
        self, paths: Sequence[tuple[str, str | None]], step: str, for_s: float = WATCHED_S
    ) -> None:
        """Demand the truth of several (path, tenant) of every replica, again and again."""
        until_s = time.monotonic() + for_s
        while True:
            for path, tenant in paths:
                for at in range(len(self.app.replicas)):
                    self.expect_now(path, at, tenant, step)
            if time.monotonic() > until_s:
                return
            time.sleep(0.02)

    def warm(self, paths: Sequence[tuple[str, str | None]], times: int = 2) -> None:
        """Ask every replica several times, so that whatever can be kept is."""
        for _ in range(times):
            calls = [
                Call("GET", path, headers={"X-Tenant": tenant} if tenant else {})
                for path, tenant in paths
                for _ in self.app.replicas
            ]
            for answer in self.ask_all(calls, at_once=6):
                tenant = answer.call.headers.get("X-Tenant")
                self.expect_true(answer, answer.call.path, tenant, "Nothing is written here.")

    # -------------------------------------------------------------- the ledger

    def mark(self) -> int:
        """Return the place in the ledger where the next call will stand."""
        return len(self.origin.calls)

    def expect_calls(self, mark: int, most: int, what: str, step: str = "", path: str = "") -> int:
        """Demand at most so many reads of the origin since a mark, and wait until it is quiet."""
        is_quiet = self.origin.wait_until_quiet()
        asked = len(self.origin.since(mark, target=path))
        got = f"{asked}: {self.causes(mark, path)}"
        expect(asked <= most, f"at most {most} calls of the origin for {what}", got, step)
        if not is_quiet:
            raise Inconclusive("The origin is not left alone, so its calls can't be counted.")
        return asked

    def causes(self, mark: int, path: str = "") -> str:
        """Say why the origin was asked since a mark, the most frequent cause first."""
        found = [one.cause for one in self.origin.since(mark, target=path)]
        causes = ["again" if AGAIN in one else one for one in found]
        kinds = sorted(set(causes), key=causes.count, reverse=True)
        return "; ".join(f"{causes.count(one)} × {one}" for one in kinds) or "never asked"

    def remark(self) -> str:
        """Say so if the origin refused calls in the last seconds; empty when it did not."""
        since_s = time.monotonic() - 10
        refused = [one for one in self.origin.refused if one.at_s > since_s]
        if not refused:
            return ""
        width = self.origin.width
        return f" (the origin refused {len(refused)} calls: more than {width} at a time)"


# ------------------------------------------------------------------ what happened when

LANES = ("calls of the origin", "hits", "waited for a call", "old answers", "errors", "faults")


@pytest.fixture
def draw(timeline: Callable[..., Any]) -> Callable[..., AbstractContextManager[Drawing]]:
    """Draw what origin and readers did, on one axis: `with draw(site, "title") as drawing`."""

    @contextmanager
    def during(site: Site, title: str) -> Iterator[Drawing]:
        with timeline(title, *LANES) as drawing:
            first_answer = len(site.answers)
            try:
                yield drawing
            finally:
                draw_calls(site, drawing)
                for answer in site.answers[first_answer:]:
                    draw_answer(site, drawing, answer)

    return during


def draw_calls(site: Site, drawing: Drawing) -> None:
    now_s = time.monotonic()
    for call in site.origin.calls:
        tone = Tone.PLAIN if call.status and call.status < 500 else Tone.BAD
        what = f"{call.key}: {call.status or 'no answer'}, {call.cause}"
        drawing.mark(LANES[0], what, call.at_s, call.ended_s or now_s, tone)
    for started_s, ended_s, name in site.origin.faults:
        drawing.mark(LANES[5], f"the origin {name}", started_s, ended_s or now_s, Tone.BAD)


def draw_answer(site: Site, drawing: Drawing, answer: Answer) -> None:
    """Put an answer on the lane that the ledger says it belongs to."""
    ended_s, path = answer.started_s + answer.elapsed_s, answer.call.path
    what = f"GET {path}: {answer.status or answer.error}"
    calls = [one for one in site.origin.since(0, target=path) if one.at_s < ended_s]
    brought = [one.ended_s for one in calls if one.status in (200, 404) and one.ended_s]
    in_time = [one for one in brought if one <= ended_s]
    if answer.status not in (200, 304, 404):
        drawing.mark(LANES[4], what, answer.started_s, ended_s, Tone.BAD)
    elif any(one >= answer.started_s for one in in_time):
        drawing.mark(LANES[2], what, answer.started_s, ended_s)
    elif in_time and answer.started_s - max(in_time) > site.ttl_s:
        drawing.mark(LANES[3], what, answer.started_s, ended_s, Tone.BAD)
    else:
        drawing.mark(LANES[1], what, answer.started_s, ended_s, Tone.GOOD)


# ------------------------------------------------------------------ sites


def named(asked: Asked) -> str:
    """Return what a call asks for: the tenant is a part of it."""
    tenant = asked.headers.get("X-Tenant")
    return f"{asked.method} {asked.target}" + (f" for {tenant}" if tenant else "")


@pytest.fixture(scope="session")
def new_site(
    app_factory: Callable[..., Any], play_origin: Callable[..., Origin], seed: int
) -> Callable[..., AbstractContextManager[Site]]:
    """Run the service with an origin of its own: `with new_site(ttl_s=…, replicas=…) as site`."""

    @contextmanager
    def run(
        ttl_s: float = 120, stale_s: float = 120, replicas: int = 2, **options: Any
    ) -> Iterator[Site]:
        catalogue = Catalogue()
        origin = play_origin(catalogue.answer, key=named)
        env = {
            "ORIGIN_URL": origin.url,
            "CACHE_TTL_S": f"{ttl_s:g}",
            "MAX_STALE_S": f"{stale_s:g}",
        }
        with app_factory(env=env, replicas=replicas, **options) as app:
            rng = random.Random(f"{seed}:site:{ttl_s}:{replicas}")
            yield Site(app, origin, catalogue, rng, ttl_s, stale_s)

    return run


@pytest.fixture(scope="session")
def site(new_site: Callable[..., AbstractContextManager[Site]]) -> Iterator[Site]:
    """Two replicas whose entries outlive the grade; the way to Redis can be disturbed."""
    with new_site(faults=True) as site:
        yield site


@pytest.fixture(scope="session")
def brief(new_site: Callable[..., AbstractContextManager[Site]]) -> Iterator[Site]:
    """Two replicas whose entries are fresh for 3 s, and may stand in for 5 s more."""
    with new_site(ttl_s=3, stale_s=5) as site:
        yield site


@pytest.fixture(autouse=True)
def settled(request: pytest.FixtureRequest) -> None:
    """Begin no check before all is well again."""
    for one in [request.getfixturevalue(name) for name in request.fixturenames if name in SITES]:
        one.settle()


SITES = ("site", "brief")


# ------------------------------------------------------------------ load


@pytest.fixture(scope="session")
def load_origins() -> dict[str, Origin]:
    """Return the origins of the apps under load, by their addresses."""
    return {}


@pytest.fixture(scope="session")
def load_env(
    play_origin: Callable[..., Origin], load_origins: dict[str, Origin]
) -> Callable[[], dict[str, str]]:
    """Give each app under load an origin of its own, with the same products."""

    def environment() -> dict[str, str]:
        catalogue = Catalogue()
        for number in range(LOAD_PRODUCTS + PROBED_PRODUCTS):
            category = f"load-{number % LOAD_CATEGORIES}"
            catalogue.put(f"load-{number:04}", f"Product {number}", category, 1000 + number)
        for number in range(RARE_PRODUCTS):
            catalogue.put(f"rare-{number:04}", f"Rarity {number}", "rarities", 1000 + number)
        origin = play_origin(catalogue.answer, delay_s=WARMING_DELAY_S)
        load_origins[origin.url] = origin
        # Nothing expires meanwhile: what is fetched was written, or nobody has asked for it before.
        return {"ORIGIN_URL": origin.url, "CACHE_TTL_S": "600"}

    return environment


@pytest.fixture(scope="session")
def prepare_load(
    seed: int, load_origins: dict[str, Origin]
) -> Callable[[App, int | None], dict[str, str]]:
    """Tell the load which products there are, and ask once for all but the rare ones."""

    def prepare(app: App, _size: int | None) -> dict[str, str]:
        known = range(LOAD_PRODUCTS + PROBED_PRODUCTS)
        calls = [Call("GET", f"/products/load-{number:04}") for number in known]
        calls += [Call("GET", page_of(f"load-{number}")) for number in range(LOAD_CATEGORIES)]
        calls += [
            Call("GET", f"/products/load-{number:04}/price", headers={"X-Tenant": tenant})
            for number in range(LOAD_PRICED)
            for tenant in LOAD_TENANTS
        ]
        for answer in app.send_all(calls, concurrency=4):
            answer.expect(200, "the origin has this product and is well")
        load_origins[app.env["ORIGIN_URL"]].delay_s = LOAD_DELAY_S
        return {
            "LAB_SEED": str(seed),
            "LOAD_PRODUCTS": str(LOAD_PRODUCTS),
            "LOAD_CATEGORIES": str(LOAD_CATEGORIES),
            "PROBED_PRODUCTS": str(PROBED_PRODUCTS),
            "RARE_PRODUCTS": str(RARE_PRODUCTS),
        }

    return prepare
