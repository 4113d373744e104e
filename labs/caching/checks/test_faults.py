"""Stage faults: the origin fails, hangs, hangs up; Redis is full."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import redis as redis_client

from graders.checks import Answer, App, Call, Inconclusive, expect, requirement

from .site import Site

Draw = Callable[..., Any]
TENANT = "acme"
HEALED_WITHIN_S = 3.0
ROOM_BYTES = 100 << 10
FILLING = 300


# ------------------------------------------------------------------ the origin


@requirement("stale-if-error")
@pytest.mark.parametrize("trouble", ["answers 500", "hangs up", "hangs"])
def test_the_last_answer_stands_in_for_a_while_when_the_origin_fails(
    brief: Site, draw: Draw, trouble: str
) -> None:
    with draw(brief, f"The origin {trouble}"):
        outlast(brief, trouble)


def outlast(brief: Site, trouble: str) -> None:
    """Let the origin fail until what it said before has become too old, and ask on the way."""
    products = brief.new(2)
    paths = [(products[0].path, None), (products[1].page, None), (products[1].price, TENANT)]
    began_s = time.monotonic()
    brief.warm(paths, times=1)
    warm_s = time.monotonic()
    faults = {"answers 500": lambda: brief.origin.answering(500)}
    faults |= {"hangs up": brief.origin.hanging_up, "hangs": brief.origin.hanging}
    with faults[trouble]():
        time.sleep(max(0.0, warm_s + brief.ttl_s + 0.3 - time.monotonic()))
        asked_s = time.monotonic()
        answers = ask_for(brief, paths)
        if asked_s > began_s + brief.ttl_s + brief.stale_s - 0.5:
            raise Inconclusive("The machine was too busy to ask while an old answer may be given.")
        step = f"Keep an answer MAX_STALE_S = {brief.stale_s:g} longer than it is fresh."
        for answer in answers:
            brief.expect_true(answer, answer.call.path, answer.call.headers.get("X-Tenant"), step)
        time.sleep(max(0.0, warm_s + brief.ttl_s + brief.stale_s + 0.3 - time.monotonic()))
        expect_refused(ask_for(brief, paths), brief)
    step = "The origin is well again."
    for path, tenant in paths:
        for at in (0, 1):
            brief.expect_soon(path, at, tenant, step, HEALED_WITHIN_S)


def ask_for(site: Site, paths: list[tuple[str, str | None]]) -> list[Answer]:
    """Ask each replica for each path, all at the same time."""
    calls = [
        Call("GET", path, headers={"X-Tenant": tenant} if tenant else {})
        for path, tenant in paths
        for _ in site.app.replicas
    ]
    return list(site.ask_all(calls, at_once=len(calls)))


def expect_refused(answers: list[Answer], site: Site) -> None:
    age_s = site.ttl_s + site.stale_s
    step = "Look at the age of what you answer with, also when a refresh failed."
    for answer in answers:
        expected = f"503 with Retry-After: the answer is older than {age_s:g} s, the origin fails"
        refused = answer.status == 503 and "retry-after" in answer.headers
        got = f"{answer}, Retry-After: {answer.headers.get('retry-after')}"
        expect(refused, expected, got, step, answer)


@requirement("stale-if-error")
def test_what_nobody_has_seen_is_refused_while_the_origin_fails(brief: Site) -> None:
    product, seen = brief.new(2)
    with brief.origin.answering(500):
        for at in (0, 1):
            answer = brief.ask(product.path, at)
            refused = answer.status == 503 and "retry-after" in answer.headers
            step = "There is nothing to stand in: say when to try again."
            expect(refused, "503 with Retry-After", answer, step, answer)
        body = {"name": "Never", "category": seen.category, "price_cents": 1}
        answer = brief.app.put(seen.path, json=body, timeout_s=8)
        expect(answer.status >= 500, "a 5xx to a write that was not made", answer, "", answer)
    for at in (0, 1):
        brief.expect_soon(seen.path, at, None, "The write was refused.", HEALED_WITHIN_S)


# ------------------------------------------------------------------ a full Redis


@contextmanager
def memory(app: App, limit_bytes: int, policy: str) -> Iterator[None]:
    """Let Redis have so much memory only, and take care of the lack in its way."""
    client = app.redis.client
    try:
        before = {**client.config_get("maxmemory"), **client.config_get("maxmemory-policy")}
        client.config_set("maxmemory-policy", policy)
        client.config_set("maxmemory", limit_bytes)
    except redis_client.ResponseError as error:
        raise Inconclusive(f"This Redis can't be given less memory: {error}") from None
    try:
        yield
    finally:
        for name, value in before.items():
            client.config_set(name, value)


@pytest.fixture
def full(site: Site) -> Any:
    """Make Redis full: `with full("noeviction")`."""

    def make(policy: str) -> AbstractContextManager[None]:
        used_bytes = int(site.app.redis.client.info("memory")["used_memory"])
        limit_bytes = 1 if policy == "noeviction" else used_bytes + ROOM_BYTES
        return memory(site.app, limit_bytes, policy)

    return make


@requirement("bounded-memory")
@pytest.mark.parametrize("policy", ["noeviction", "allkeys-random"])
def test_answers_are_right_when_redis_has_no_memory_left(
    site: Site, full: Any, policy: str
) -> None:
    warm, cold = site.new(6), site.new(FILLING)
    site.warm([(product.path, None) for product in warm], times=1)
    step = "An entry that can't be kept is no reason not to give the answer."
    with full(policy):
        for answer in site.ask_all([Call("GET", one.path) for one in [*warm, *cold]]):
            site.expect_true(answer, answer.call.path, None, step)
        for product in warm:
            site.expect_now(product.path, 1, step=step)
        refused = [one for one in site.origin.refused if one.at_s > time.monotonic() - 10]
        expected = "no call that the origin refuses, with or without memory in Redis"
        expect(refused == [], expected, f"{len(refused)} refused", "Count calls elsewhere.")


@requirement("bounded-memory")
@pytest.mark.parametrize("policy", ["noeviction", "allkeys-random"])
def test_a_write_is_seen_when_redis_has_no_memory_left(site: Site, full: Any, policy: str) -> None:
    products = site.new(6)
    paths = [(product.path, None) for product in products]
    site.warm(paths, times=1)
    step = "A full Redis refuses commands that need memory; can you forget without any?"
    with full(policy):
        for number, product in enumerate(products):
            at = number % 2
            site.put(product, at)
            site.expect_now(product.path, at, step=step)
            site.expect_soon(product.path, 1 - at, step=step)
    site.expect_lasting(paths, step)
