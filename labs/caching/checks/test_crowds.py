"""Stage crowds: many clients want one thing at once, cold or expired; and who fetches may die."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graders.checks import Answer, Asked, Call, Inconclusive, expect, requirement

from .site import Site

Draw = Callable[..., Any]

CLIENTS = 200
STAMPEDE_CALLS = 2  # the contract
SLOWED_S = 0.4  # time for all clients of a stampede to come while the first call is under way
EXPIRIES = 3  # until one is seen
READERS = 20


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
            # Who refreshes it before it expires costs no call here, and has no stampede.
            for _ in range(EXPIRIES):
                time.sleep(brief.ttl_s + 0.2)
                if stampede(brief, product.path):
                    break


def stampede(site: Site, path: str) -> int:
    """Let many clients ask every replica for one thing at once; return the calls they cost."""
    mark = site.mark()
    with site.origin.taking(SLOWED_S):
        answers = site.ask_all([Call("GET", path)] * CLIENTS, at_once=CLIENTS)
    what = f"{CLIENTS} clients of GET {path}, {len(site.app.replicas)} replicas"
    step = "Who may fetch? One of all clients and all replicas; also when there is an old entry."
    calls = site.expect_calls(mark, STAMPEDE_CALLS, what, step, path)
    for answer in answers:
        site.expect_true(answer, path, None, "Every client gets the answer, whoever fetches it.")
    return calls


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
    judge_served(answers, len(hold.calls), took_s, site)


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


def judge_served(answers: Sequence[Answer], calls: int, took_s: float, site: Site) -> None:
    """At most one reader of each replica may wait for the refresh, which does not end."""
    served, replicas = [one for one in answers if one.status == 200], len(site.app.replicas)
    # More calls than two tries of every replica: readers have made calls of their own.
    if took_s > 2.5 and len(served) >= READERS // 2 and calls <= 2 * replicas:
        raise Inconclusive("The machine was too busy: a refresh may not be held back any longer.")
    least = READERS - replicas
    step = "Fetch the next answer while the last one still serves: before the end, or just after."
    got = f"{len(served)} answered, {len(answers) - len(served)} waited; {calls} calls under way"
    expected = f"{least} of {READERS} readers answered while one call of the origin is under way"
    expect(len(served) >= least, expected, got, step, answers[0])
