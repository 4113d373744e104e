"""Stage fast: how rarely the origin is asked, by its own ledger."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from graders.checks import Call, requirement

from .catalogue import Product
from .site import Site

Draw = Callable[..., Any]
Record = Callable[[str, float], None]

PRODUCTS, REQUESTS, BATCH, ZIPF_EXPONENT = 300, 1600, 100, 1.1
MORE_THAN_NEEDED = 1.25
HOT_READS = 200
MISSING_IDS, ASKS_EACH = 20, 15
CALLS_PER_MISSING_ID = 2
BRIDGE_S = 3.0  # the contract: so much older an answer may be while the next one is fetched
FORMS_OF_BAD_IDS = ("UPPER", "a%20b", "a.b", "%00", "a'b", "-" * 41, "%E2%98%83", "a:b")


# ------------------------------------------------------------------ hit ratio


@requirement("hit-ratio")
def test_popular_answers_rarely_cost_a_call_of_the_origin(site: Site, record: Record) -> None:
    products = site.new(PRODUCTS)
    weights = [1 / rank**ZIPF_EXPONENT for rank in range(1, PRODUCTS + 1)]
    drawn = site.rng.choices(products, cum_weights=[*itertools.accumulate(weights)], k=REQUESTS)
    calls = [a_read_of(product, site.rng.random()) for product in drawn]
    needed = len({(call.path, call.headers.get("X-Tenant")) for call in calls})
    most, mark = int(MORE_THAN_NEEDED * needed), site.mark()
    used_bytes = int(site.app.redis.client.info("memory")["used_memory"])
    read_in_turn(site, calls, mark, most)
    step = "Share what was fetched between the replicas, and ask it first."
    asked = site.expect_calls(mark, most, f"{REQUESTS} requests about {needed} things", step)
    record("origin_calls_per_1000_requests", 1000 * asked / REQUESTS)
    grown_bytes = int(site.app.redis.client.info("memory")["used_memory"]) - used_bytes
    if grown_bytes > 0:
        record("bytes_per_entry", grown_bytes / needed)


def read_in_turn(site: Site, calls: Sequence[Call], mark: int, most: int) -> None:
    """Send the first half to one replica and the rest to the other; stop when it costs too much.

    What the first one has fetched, the other has no need to.
    """
    for first in range(0, REQUESTS, BATCH):
        at = 2 * first // REQUESTS
        base_url = site.app.replicas[at].base_url
        batch = [(base_url, call) for call in calls[first : first + BATCH]]
        for answer in site.app.client.send_all(batch, 10, 10):
            site.expect_true(answer, answer.call.path, answer.call.headers.get("X-Tenant"))
        if site.mark() - mark > most:
            return


def a_read_of(product: Product, luck: float) -> Call:
    """Return what a client asks: the product, sometimes its page, sometimes its price."""
    if luck < 0.1:
        return Call("GET", product.page)
    if luck < 0.2:
        return Call("GET", product.price, headers={"X-Tenant": "acme"})
    return Call("GET", product.path)


@requirement("hit-ratio")
def test_hot_answers_come_without_the_origin(site: Site, record: Record) -> None:
    products = site.new(4)
    site.warm([(product.path, None) for product in products], times=1)
    mark, commands = site.mark(), site.app.redis.commands()
    calls = [Call("GET", products[number % 4].path) for number in range(HOT_READS)]
    for answer in site.ask_all(calls, at_once=4):
        site.expect_true(answer, answer.call.path)
    spent = site.app.redis.commands() - commands - 1  # the question itself is one
    record("redis_commands_per_hot_read", max(spent, 0) / HOT_READS)
    step = "What was fetched a moment ago, and not written to since, is still right."
    site.expect_calls(mark, 0, f"{HOT_READS} hot reads", step)


# ------------------------------------------------------------------ penetration


@requirement("penetration")
def test_missing_ids_cost_a_call_or_two_each(site: Site) -> None:
    paths = [f"/products/{site.word('none')}" for _ in range(MISSING_IDS)]
    calls = [Call("GET", path) for path in paths * ASKS_EACH]
    site.rng.shuffle(calls)
    mark = site.mark()
    for answer in site.ask_all(calls, at_once=20):
        answer.expect(404, "there is no such product" + site.remark())
    what = f"{len(calls)} requests of {MISSING_IDS} missing ids"
    step = "That there is nothing is an answer, too."
    site.expect_calls(mark, CALLS_PER_MISSING_ID * MISSING_IDS, what, step)


@requirement("penetration")
def test_ids_that_cannot_exist_cost_no_call(site: Site) -> None:
    mark = site.mark()
    calls = [Call("GET", f"/products/{one}") for one in FORMS_OF_BAD_IDS]
    for answer in site.ask_all(calls, at_once=4):
        answer.expect({400, 404, 422}, "the contract says what an id looks like")
    step = "The form of an id tells without a call that nobody has it."
    site.expect_calls(mark, 0, "ids that nobody can have", step)


@requirement("penetration")
def test_a_product_created_later_appears(site: Site) -> None:
    step = "Creating it is a write: what was remembered of its absence is void."
    for at in (0, 1):
        path = f"/products/{site.word('later')}"
        site.warm([(path, None)])
        body = {"name": "Later", "category": site.word("c"), "price_cents": 100}
        site.app.replicas[at].put(path, json=body).expect({200, 201}, "PUT creates")
        site.expect_now(path, at, step=step)
        site.expect_soon(path, 1 - at, step=step)


@requirement("penetration")
def test_a_product_created_behind_your_back_appears_in_time(brief: Site) -> None:
    paths = [f"/products/{brief.word('later')}" for _ in range(3)]
    brief.warm([(path, None) for path in paths])
    for path in paths:
        brief.catalogue.put(path.rpartition("/")[2], "Later", brief.word("c"), 100)
    step = "Remember that something is missing no longer than anything else."
    within_s = brief.ttl_s + BRIDGE_S
    for path in paths:
        for at in (0, 1):
            brief.expect_soon(path, at, None, step, within_s)
