"""Stage right: after a write nobody is told what was before it, however the moments fall."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from graders.checks import Asked, Inconclusive, expect, requirement

from .catalogue import Product
from .site import Site

TENANT = "acme"
STEP_OWN = "The replica that answered a write must not show what was before it: not even once."
STEP_OTHER = "Each place that remembers has to hear of the write within 1 s, on every replica."
STEP_PAGES = "A product is also on the pages of its category; of two, when it moved."


def everywhere(product: Product) -> list[tuple[str, str | None]]:
    """Return all paths that show a product."""
    return [(product.path, None), (product.page, None), (product.price, TENANT)]


def reads_of(path: str) -> Callable[[Asked], bool]:
    return lambda asked: asked.method == "GET" and asked.target == path


# ------------------------------------------------------------------ in order


@requirement("read-your-writes")
@pytest.mark.parametrize("at", [0, 1])
def test_the_replica_that_wrote_shows_it_at_once(site: Site, at: int) -> None:
    step = STEP_OWN
    for product in site.new(2):
        target = site.new(2)[0].category
        site.warm([*everywhere(product), (f"/products?category={target}&page=1", None)])
        site.put(product, at)
        for path, tenant in everywhere(product):
            site.expect_now(path, at, tenant, step)
        site.put(product, at, category=target)
        for path, tenant in [*everywhere(product), *everywhere(site.now(product))]:
            site.expect_now(path, at, tenant, STEP_PAGES)


@requirement("read-your-writes")
def test_a_read_beside_a_write_does_not_hide_the_write(site: Site) -> None:
    for product in site.new(2):
        site.warm(everywhere(product), times=1)
        writes = lambda asked: asked.method == "PUT"  # noqa: E731 - said where it is used
        with (
            ThreadPoolExecutor(1) as pool,
            site.origin.hold(writes, answered=False, room=1) as hold,
        ):
            writing = pool.submit(site.put, product)
            if not hold.wait_for(1):
                raise Inconclusive("The write did not reach the origin.")
            for path, tenant in everywhere(product):  # the old one, and rightly
                site.expect_now(path, 0, tenant)
            hold.release()
            writing.result()
        step = "Whoever read while the write was on its way put the old one back."
        for path, tenant in everywhere(product):
            site.expect_now(path, 0, tenant, f"{step} {STEP_OWN}")


@requirement("invalidates-everywhere")
@pytest.mark.parametrize("at", [0, 1])
def test_the_other_replica_shows_a_write_within_a_second(site: Site, at: int) -> None:
    for product in site.new(2):
        moved_to = site.new(2)[0].category
        pages = [(f"/products?category={moved_to}&page=1", None)]
        site.warm([*everywhere(product), (product.price, "globex"), *pages])
        site.put(product, at, category=moved_to)
        paths = [(product.path, None), (product.price, TENANT), (product.price, "globex")]
        paths += [(product.page, None), *pages]
        for path, tenant in paths:
            site.expect_soon(path, 1 - at, tenant, f"{STEP_OTHER} {STEP_PAGES}")
        site.expect_lasting(paths, STEP_OTHER)


@requirement("invalidates-everywhere")
def test_a_product_that_is_new_appears_on_its_page_everywhere(site: Site) -> None:
    product = site.new(3)[0]
    site.warm([(product.page, None)])
    created = f"/products/{site.word('p')}"
    body = {"name": "New", "category": product.category, "price_cents": 100}
    site.app.put(created, json=body).expect({200, 201}, "PUT creates what is not there")
    site.expect_now(product.page, 0, step=STEP_PAGES)
    site.expect_soon(product.page, 1, step=STEP_PAGES)
    site.expect_soon(created, 1)


@requirement("delete-invalidates")
@pytest.mark.parametrize("at", [0, 1])
def test_a_deleted_product_is_gone_everywhere(site: Site, at: int) -> None:
    step = "A deletion is a write: product, price and pages have to forget it."
    for product in site.new(2):
        site.warm(everywhere(product))
        site.delete(product, at)
        for path, tenant in everywhere(product):
            site.expect_now(path, at, tenant, step)
        for path, tenant in everywhere(product):
            site.expect_soon(path, 1 - at, tenant, step)
        site.expect_lasting(everywhere(product), step)


@requirement("delete-invalidates")
def test_a_product_that_is_made_again_is_back(site: Site) -> None:
    [product] = site.new()
    site.delete(product)
    step = "That it was gone must not be remembered longer than it is."
    for at in (0, 1):
        site.expect_soon(product.path, at, step=step)
        site.expect_now(product.path, at, step=step)
    site.put(product, 0)
    site.expect_now(product.path, 0, step=step)
    site.expect_soon(product.path, 1, step=step)


# ------------------------------------------------------------------ races


@requirement("lost-update-race")
@pytest.mark.parametrize("what", [0, 1, 2], ids=["product", "page", "price"])
@pytest.mark.parametrize("writer", [0, 1])
def test_a_slow_read_does_not_put_back_what_was_before_a_write(
    site: Site, what: int, writer: int
) -> None:
    [product] = site.new()
    path, tenant = everywhere(product)[what]
    race(site, path, tenant, writer, lambda: site.put(product, writer))


@requirement("lost-update-race")
def test_a_slow_read_does_not_bring_a_deleted_product_back(site: Site) -> None:
    [product] = site.new()
    race(site, product.path, None, 1, lambda: site.delete(product, 1))


@requirement("lost-update-race")
def test_a_slow_refresh_does_not_put_back_what_was_before_a_write(brief: Site) -> None:
    [product] = brief.new()
    brief.warm([(product.path, None)], times=1)
    time.sleep(brief.ttl_s + 0.2)  # the entry is old now, but there
    race(brief, product.path, None, 1, lambda: brief.put(product, 1))


def race(site: Site, path: str, tenant: str | None, writer: int, write: Callable[[], Any]) -> None:
    """Hold back the origin's answer to a read on replica 0 until a write has passed."""
    step = "A fetch that began before the write must neither be joined nor kept after it."
    with ThreadPoolExecutor(1) as pool, site.origin.hold(reads_of(path), room=1) as hold:
        reading = pool.submit(site.ask, path, 0, tenant)
        if not hold.wait_for(1):
            raise Inconclusive(f"Nothing was fetched for GET {path}, so nothing can be overtaken.")
        write()
        site.expect_now(path, writer, tenant, step)
        hold.release()
        late = reading.result()
    late.expect({200, 404}, "a slow read is answered in the end" + site.remark())
    site.expect_now(path, writer, tenant, step)
    site.expect_soon(path, 1 - writer, tenant, step)
    site.expect_lasting([(path, tenant)], step)


@requirement("lost-update-race")
def test_of_two_writers_the_last_one_is_seen(site: Site) -> None:
    [product] = site.new()
    site.warm([(product.path, None)], times=1)
    writes = lambda asked: asked.method == "PUT"  # noqa: E731 - said where it is used
    with ThreadPoolExecutor(1) as pool, site.origin.hold(writes, room=1) as hold:
        first = pool.submit(site.put, product, 0, name="first")
        if not hold.wait_for(1):
            raise Inconclusive("The write did not reach the origin.")
        site.put(product, 1, name="second")
        hold.release()
        first.result()
    expect(site.now(product).name == "second", "the origin to keep the second", site.now(product))
    step = "The answer to a write is as late as any other: another write may have passed it."
    for at in (0, 1):
        site.expect_soon(product.path, at, step=step)
    site.expect_lasting([(product.path, None)], step)
