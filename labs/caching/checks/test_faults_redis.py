"""Stage faults: Redis is away, late, emptied, or back again."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from graders.checks import Answer, Asked, Call, Inconclusive, expect, requirement

from .catalogue import Product
from .site import Site

Draw = Callable[..., Any]
HOT_CLIENTS, COLD = 60, 24
REDIS_DELAY_S = 2.0
SLOW_LIMIT_S = 5.0  # two and a half times what Redis takes for one answer
TOLD_WITHIN_S = 1.0  # the contract, like the next
USED_AGAIN_WITHIN_S = 5.0
STEP_AWAY = "Take an error of Redis for a miss: the origin is there, and your limit on its calls."
STEP_BACK = "Redis comes back with what it knew before: it has to be told of writes it missed."


def expect_all_true(site: Site, calls: Sequence[Call], at_once: int, step: str) -> list[Answer]:
    answers = site.ask_all(calls, at_once=at_once)
    for answer in answers:
        site.expect_true(answer, answer.call.path, None, step)
    return list(answers)


def expect_none_refused(site: Site, mark: int) -> None:
    calls = site.origin.calls[mark:]
    refused = sum(one.refused for one in calls)
    most = max((one.beside for one in calls), default=0)
    expected = f"at most {site.origin.width} calls of the origin at a time without Redis, too"
    step = "A limit that only Redis keeps is none when Redis is away."
    expect(refused == 0, expected, f"{most} at a time, {refused} refused with 503", step)


def some_reads(site: Site) -> tuple[list[Product], list[Call]]:
    """Return products that are warm, and reads: of many for one of them, of others, of new ones."""
    hot, cold = site.new(6), site.new(COLD)
    site.warm([(product.path, None) for product in hot], times=1)
    calls = [Call("GET", hot[0].path)] * HOT_CLIENTS
    calls += [Call("GET", product.path) for product in [*hot, *cold]]
    site.rng.shuffle(calls)
    return hot, calls


# ------------------------------------------------------------------ away


def let_be_told(healed_s: float) -> None:
    """Let the time pass in which a replica need not have told Redis what it missed."""
    time.sleep(max(0.0, healed_s + TOLD_WITHIN_S - time.monotonic()))


@requirement("redis-down")
def test_reads_and_writes_go_on_without_redis(site: Site, draw: Draw) -> None:
    hot, calls = some_reads(site)
    mark = site.mark()
    with draw(site, "Redis is cut off") as drawing:
        away_s = time.monotonic()
        with site.app.link("redis").cut():
            expect_all_true(site, calls, 60, STEP_AWAY)
            for at, product in enumerate(hot[:2]):
                site.put(product, at)
                site.expect_now(product.path, at, step=STEP_AWAY)
                site.expect_soon(product.path, 1 - at, step=STEP_AWAY)
            expect_none_refused(site, mark)
        healed_s = time.monotonic()
        drawing.mark("faults", "Redis is cut off", away_s, healed_s)
        let_be_told(healed_s)
        site.expect_lasting([(product.path, None) for product in hot[:2]], STEP_BACK, for_s=0.0)
        expect_all_true(site, calls, 60, "Redis is back: connections that broke must be replaced.")


@requirement("redis-down")
def test_a_write_that_redis_missed_is_seen_when_it_is_back(site: Site) -> None:
    products = site.new(4)
    paths = [(product.path, None) for product in products] + [(products[0].page, None)]
    site.warm(paths)
    with site.app.link("redis").cut():
        for number, product in enumerate(products):
            site.put(product, number % 2)
    healed_s = time.monotonic()
    let_be_told(healed_s)
    site.expect_lasting(paths, STEP_BACK, for_s=1.0)


@requirement("redis-down")
def test_the_cache_is_used_again_when_redis_is_back(site: Site) -> None:
    products = site.new(4)
    with site.app.link("redis").cut():
        for product in products:
            site.expect_now(product.path, 0, step=STEP_AWAY)
            site.expect_now(product.path, 1, step=STEP_AWAY)
    due_s = time.monotonic() + USED_AGAIN_WITHIN_S
    calls = [Call("GET", product.path) for product in products] * 4
    while True:
        asked_s, mark = time.monotonic(), site.mark()
        expect_all_true(site, calls, 4, "Redis is back.")
        if site.mark() == mark or asked_s > due_s:
            break
    what = f"hot products {USED_AGAIN_WITHIN_S:g} s after Redis came back"
    site.expect_calls(mark, 0, what, "Try Redis again after a while.")


# ------------------------------------------------------------------ late


@requirement("redis-slow")
@pytest.mark.parametrize("trouble", ["late answers", "no answers"])
def test_a_slow_redis_slows_nobody_down(site: Site, trouble: str) -> None:
    hot, calls = some_reads(site)
    mark, link = site.mark(), site.app.link("redis")
    # What was on its way when the delay ended is late all the same: Redis is back after that.
    fault, back_after_s = (
        (link.delay(REDIS_DELAY_S), REDIS_DELAY_S)
        if trouble == "late answers"
        else (link.black_hole(), 0.0)
    )
    step = "Give every command a short time, and leave a Redis alone that does not keep it."
    with fault:
        for answer in expect_all_true(site, calls, 40, step):
            expect_in_time(answer, step)
        for at, product in enumerate(hot[:2]):
            expect_in_time(site.put(product, at), step)
            site.expect_now(product.path, at, step=step)
        expect_none_refused(site, mark)
    within_s = back_after_s + TOLD_WITHIN_S
    for product in hot:
        for at in (0, 1):
            site.expect_soon(product.path, at, None, STEP_BACK, within_s)


@requirement("redis-slow")
def test_who_waits_for_redis_keeps_nobody_else_waiting(site: Site) -> None:
    _, calls = some_reads(site)
    step = "Wait for Redis without blocking the others: the event loop serves nobody meanwhile."
    with site.app.link("redis").black_hole(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(site.ask_all, calls, 40)
        health = site.ask_all([Call("GET", "/healthz")] * 40, at_once=1)
        waiting.result()
    slow = [one for one in health if one.status != 200 or one.elapsed_s > 1.0]
    got = f"{len(slow)} of {len(health)} late or unanswered"
    # One of many may be late on a busy machine.
    expect(len(slow) <= 4, "the service to be healthy while others wait for Redis", got, step)


def expect_in_time(answer: Answer, step: str) -> None:
    expected = f"an answer within {SLOW_LIMIT_S:g} s while Redis is slow"
    expect(answer.elapsed_s <= SLOW_LIMIT_S, expected, f"{answer.elapsed_s:.1f} s", step, answer)


# ------------------------------------------------------------------ emptied


@requirement("redis-flush")
def test_answers_are_right_after_redis_forgot_everything(site: Site) -> None:
    products = site.new(6)
    paths = [(product.path, None) for product in products] + [(products[0].page, None)]
    site.warm(paths, times=1)
    site.app.redis.flush()
    step = "Redis may forget whatever it likes, at any moment."
    site.expect_lasting(paths, step, for_s=0.0)
    site.put(products[0], 0)
    site.app.redis.flush()
    site.expect_now(products[0].path, 0, step=step)
    site.expect_soon(products[0].path, 1, step=step)
    mark = site.mark()
    site.app.redis.flush()
    expect_all_true(site, [Call("GET", products[1].path)] * 100, 100, step)
    step = "An empty cache is a cold one: still one of all fetches."
    site.expect_calls(mark, 2, "100 clients of one product", step, products[1].path)


@requirement("redis-flush")
def test_a_slow_read_is_not_believed_after_redis_forgot_the_write(site: Site) -> None:
    step = "A number that begins anew at 0 has been 0 before: what was marked with it, fits again."
    for product in site.new(3):
        path = product.path
        reads = lambda asked, path=path: is_read_of(asked, path)  # noqa: E731 - used once
        with ThreadPoolExecutor(1) as pool, site.origin.hold(reads, room=1) as hold:
            reading = pool.submit(site.ask, path, 0)
            if not hold.wait_for(1):
                raise Inconclusive("Nothing was fetched, so nothing can be overtaken.")
            site.put(product, 1)
            site.app.redis.flush()
            hold.release()
            reading.result()
        for at in (1, 0):
            site.expect_soon(path, at, None, step)
        site.expect_lasting([(path, None)], step)


def is_read_of(asked: Asked, path: str) -> bool:
    return asked.method == "GET" and asked.target == path
