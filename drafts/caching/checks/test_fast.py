"""Stage fast: how rarely the origin is asked, by its own ledger."""

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graders.checks import Answer, Asked, Call, Inconclusive, expect, requirement

Site = Any
Draw = Callable[..., Any]
Record = Callable[[str, float], None]

PRODUCTS, REQUESTS, ZIPF_EXPONENT = 300, 1600, 1.1
MORE_THAN_NEEDED = 1.25
HOT_READS = 200
CLIENTS = 200
STAMPEDE_CALLS = 2  # the contract
SLOWED_S = 0.4  # time for all clients of a stampede to come while the first call is under way
READERS = 20
MISSING_IDS, ASKS_EACH = 20, 15
CALLS_PER_MISSING_ID = 2
FORMS_OF_BAD_IDS = ("UPPER", "a%20b", "a.b", "%00", "a'b", "-" * 41, "%E2%98%83", "a:b")


# ------------------------------------------------------------------ hit ratio


@requirement("hit-ratio")
def test_popular_answers_rarely_cost_a_call_of_the_origin(site: Site, record: Record) -> None:
    products = site.new(PRODUCTS)
    weights = [1 / rank**ZIPF_EXPONENT for rank in range(1, PRODUCTS + 1)]
    drawn = site.rng.choices(products, cum_weights=[*itertools.accumulate(weights)], k=REQUESTS)
    calls = [a_read_of(product, site.rng.random()) for product in drawn]
    needed = len({(call.path, call.headers.get("X-Tenant")) for call in calls})
    used_bytes, mark = int(site.app.redis.client.info("memory")["used_memory"]), site.mark()
    # First one replica and then the other: what one has fetched, the other has no need to.
    half = REQUESTS // 2
    bases = [site.app.replicas[0].base_url] * half + [site.app.replicas[1].base_url] * half
    answers = site.app.client.send_all([*zip(bases, calls, strict=True)], 10, 10)
    for answer in answers:
        site.expect_true(answer, answer.call.path, answer.call.headers.get("X-Tenant"))
    what = f"{REQUESTS} requests about {needed} things"
    step = "Share what was fetched between the replicas, and ask it first."
    asked = site.expect_calls(mark, int(MORE_THAN_NEEDED * needed), what, step)
    record("origin_calls_per_1000_requests", 1000 * asked / REQUESTS)
    grown_bytes = int(site.app.redis.client.info("memory")["used_memory"]) - used_bytes
    if grown_bytes > 0:
        record("bytes_per_entry", grown_bytes / needed)


def a_read_of(product: Any, luck: float) -> Call:
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


# ------------------------------------------------------------------ stampede


@requirement("stampede")
def test_many_clients_of_one_cold_product_cost_two_calls_at_most(site: Site) -> None:
    for product in site.new(3):
        stampede(site, product.path)
    stampede(site, site.new()[0].page)


@requirement("stampede")
def test_four_replicas_fetch_no_more_than_two_do(new_site: Any) -> None:
    with new_site(replicas=4) as many:
        for product in many.new(3):
            stampede(many, product.path)


@requirement("stampede")
def test_many_clients_of_a_product_that_just_expired_cost_two_calls_at_most(
    brief: Site, draw: Draw
) -> None:
    for product in brief.new(2):
        with draw(brief, f"{CLIENTS} clients ask for what has just expired"):
            brief.warm([(product.path, None)], times=1)
            time.sleep(brief.ttl_s + 0.2)
            stampede(brief, product.path)


def stampede(site: Site, path: str) -> None:
    """Let many clients ask every replica for one thing at once; count the calls they cost."""
    mark = site.mark()
    with site.origin.taking(SLOWED_S):
        answers = site.ask_all([Call("GET", path)] * CLIENTS, at_once=CLIENTS)
    what = f"{CLIENTS} clients of GET {path}, {len(site.app.replicas)} replicas"
    step = "Who may fetch? One of all clients and all replicas; also when there is an old entry."
    if site.expect_calls(mark, STAMPEDE_CALLS, what, step, path) == 0:
        raise Inconclusive(f"Nobody fetched GET {path}, so there was no stampede.")
    for answer in answers:
        site.expect_true(answer, path, None, "Every client gets the answer, whoever fetches it.")


@requirement("stampede")
def test_a_replica_that_dies_while_it_fetches_blocks_nobody_for_long(new_site: Any) -> None:
    with new_site() as site, ThreadPoolExecutor(1) as pool:
        [product] = site.new()
        with site.origin.hold(reads_of(product.path), room=1) as hold:
            reading = pool.submit(site.ask_all, [Call("GET", product.path)], 1)
            if not hold.wait_for(1):
                raise Inconclusive("Nothing was fetched, so nobody could die meanwhile.")
            site.app.replicas[0].kill()
            hold.release()
            reading.result()
        step = "A lock has to end by itself: who holds it may be dead."
        site.expect_now(product.path, 1, step=step)


def reads_of(path: str) -> Callable[[Asked], bool]:
    return lambda asked: asked.method == "GET" and asked.target == path


# ------------------------------------------------------------------ expiry


@requirement("hot-key-expiry")
def test_readers_of_a_hot_product_do_not_wait_for_its_refresh(brief: Site, draw: Draw) -> None:
    for product in brief.new(2):
        brief.warm([(product.path, None)])
        with draw(brief, "A hot product expires"):
            read_beside_refresh(brief, product.path)


def read_beside_refresh(site: Site, path: str) -> None:
    """Hold a refresh back and demand answers for those who read meanwhile."""
    with site.origin.hold(reads_of(path)) as hold, ThreadPoolExecutor(60) as pool:
        waiting = keep_reading(site, path, pool, hold)
        began_s = time.monotonic()
        answers = site.ask_all([Call("GET", path)] * READERS, at_once=4, timeout_s=1.5)
        took_s = time.monotonic() - began_s
        hold.release()
        for one in waiting:
            site.expect_true(one.result(), path)
    judge_served(answers, took_s, site)


def keep_reading(site: Site, path: str, pool: ThreadPoolExecutor, hold: Any) -> list[Any]:
    """Read from both replicas until a refresh is held back; return the reads, done or not."""
    reads = []
    until_s = time.monotonic() + site.ttl_s + 3
    while not hold.calls and time.monotonic() < until_s:
        reads += [pool.submit(site.ask, path, at) for at in (0, 1)]
        time.sleep(0.15)
    expected = f"a refresh at the latest 3 s after CACHE_TTL_S = {site.ttl_s:g}"
    step = "An answer that is never fetched again is never corrected."
    expect(bool(hold.calls), expected, "the origin was not asked", step)
    return reads


def judge_served(answers: Sequence[Answer], took_s: float, site: Site) -> None:
    """At most one reader of each replica may wait for the refresh, which does not end."""
    served = [one for one in answers if one.status == 200]
    if took_s > 2.5 and len(served) >= READERS // 2:
        raise Inconclusive("The machine was too busy: a refresh may not be held back any longer.")
    least = READERS - len(site.app.replicas)
    step = "Fetch the next answer while the last one still serves: before the end, or just after."
    got = f"{len(served)} answered, {len(answers) - len(served)} waited"
    expected = f"{least} of {READERS} readers answered while one call of the origin is under way"
    expect(len(served) >= least, expected, got, step, answers[0])


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
    within_s = brief.ttl_s + 3
    for path in paths:
        for at in (0, 1):
            brief.expect_soon(path, at, None, step, within_s)
