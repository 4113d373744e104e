"""What the checks of this lab share: services in front of an origin, drawn, and under load."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from graders.checks import App, Asked, Call, Drawing, Origin

from .catalogue import Catalogue, page_of
from .drawing import LANES, draw_answer, draw_calls
from .site import Site

SITES = ("site", "brief")
LOAD_PRODUCTS = 400
LOAD_CATEGORIES = 10
LOAD_PRICED, LOAD_TENANTS = 30, ("acme", "globex", "initech")
PROBED_PRODUCTS = 40
RARE_PRODUCTS = 4000
WARMING_DELAY_S = 0.02  # nobody learns anything from waiting for that
LOAD_DELAY_S = 0.4  # so that whoever waits for a fetch of somebody else can be told from a hit

# ------------------------------------------------------------------ sites


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


def named(asked: Asked) -> str:
    """Return what a call asks for: the tenant is a part of it."""
    tenant = asked.headers.get("X-Tenant")
    return f"{asked.method} {asked.target}" + (f" for {tenant}" if tenant else "")


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
