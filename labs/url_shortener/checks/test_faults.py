"""Stage faults: a dead Redis, a slow one, lost connections to the database."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from graders.checks import Answer, App, Call, Replica, expect, requirement

Created = Callable[[Answer], dict[str, Any]]
FollowAll = Callable[..., None]
LeadsTo = Callable[[Answer, str], bool]
NewUrl = Callable[[], str]
SomeLinks = Callable[[App, int], dict[str, str]]
UseRedis = Callable[[App, dict[str, str]], None]

REDIS_DELAY_S = 3.0
SLOW_REDIS_LIMIT_S = 2.5
HEALTH_CALLS = 100  # one after the other: most of them while the others wait
RECOVERS_WITHIN_S = 5.0  # the contract


@requirement("redis-down")
def test_redirects_and_creation_go_on_without_redis(
    pair: App, some_links: SomeLinks, follow_all: FollowAll, use_redis: UseRedis
) -> None:
    hot, cold = some_links(pair, 8), some_links(pair, 8)
    use_redis(pair, hot)
    step = "Treat an error of Redis as a miss and ask PostgreSQL; cached or not, the link exists."
    with pair.link("redis").cut():
        for replica in pair.replicas:
            follow_all(replica, hot | cold, step, SLOW_REDIS_LIMIT_S)
        fresh = some_links(pair, 8)
        follow_all(pair, fresh, step, SLOW_REDIS_LIMIT_S)
    step = "Redis is back: connections that broke must be replaced."
    for replica in pair.replicas:
        follow_all(replica, hot | cold | fresh, step, SLOW_REDIS_LIMIT_S)


@requirement("redis-down")
def test_no_link_is_lost_when_redis_comes_back_empty(
    pair: App, some_links: SomeLinks, follow_all: FollowAll
) -> None:
    links = some_links(pair, 20)
    pair.redis.flush()
    step = "Redis forgets whenever it likes; every link must be in PostgreSQL before the 201."
    for replica in pair.replicas:
        follow_all(replica, links, step, SLOW_REDIS_LIMIT_S)


@requirement("redis-slow")
@pytest.mark.parametrize("trouble", ["late answers", "no answers"])
def test_a_slow_redis_slows_nobody_down(
    pair: App,
    some_links: SomeLinks,
    follow_all: FollowAll,
    use_redis: UseRedis,
    created: Created,
    new_url: NewUrl,
    trouble: str,
) -> None:
    hot, cold = some_links(pair, 10), some_links(pair, 10)
    use_redis(pair, hot)
    link = pair.link("redis")
    step = "Give every call to Redis a short timeout."
    with link.delay(REDIS_DELAY_S) if trouble == "late answers" else link.black_hole():
        follow_all(pair, hot | cold, step, SLOW_REDIS_LIMIT_S)
        posts = [Call("POST", "/api/links", {"url": new_url()}) for _ in range(10)]
        for answer in pair.send_all(posts, timeout_s=SLOW_REDIS_LIMIT_S + 2):
            created(answer)
            expect_quick(answer, step)


@requirement("redis-slow")
def test_who_waits_for_redis_keeps_nobody_else_waiting(
    pair: App, some_links: SomeLinks, use_redis: UseRedis
) -> None:
    hot = some_links(pair, 20)
    use_redis(pair, hot)
    step = "Wait for Redis without blocking the event loop: other requests go on meanwhile."
    with pair.link("redis").black_hole(), ThreadPoolExecutor(1) as pool:
        calls = [Call("GET", f"/{code}") for code in hot]
        waiting = pool.submit(pair.send_all, calls, len(calls), SLOW_REDIS_LIMIT_S + 2)
        health = pair.send_all([Call("GET", "/healthz")] * HEALTH_CALLS, 1, SLOW_REDIS_LIMIT_S + 2)
        waiting.result()
    for answer in health:
        answer.expect(200, "the service is healthy while Redis is slow", step)
        expect_quick(answer, step)


def expect_quick(answer: Answer, step: str) -> None:
    expected = f"an answer within {SLOW_REDIS_LIMIT_S} s while Redis is slow"
    quick = answer.elapsed_s <= SLOW_REDIS_LIMIT_S
    expect(quick, expected, f"{answer.elapsed_s:.2f} s", step, answer)


@requirement("database-blip")
@pytest.mark.parametrize("trouble", ["connections terminated", "network cut"])
def test_the_service_recovers_from_lost_database_connections(
    pair: App,
    some_links: SomeLinks,
    leads_to: LeadsTo,
    trouble: str,
) -> None:
    links = some_links(pair, 40)
    pair.redis.flush()
    cold = list(links.items())
    if trouble == "network cut":
        with pair.link("postgres").cut():
            for replica in pair.replicas:
                expect_honest_while_cut(replica, cold[:5], leads_to)
    else:
        pair.postgres.cut_connections()
    healed_at_s = time.monotonic()
    for replica in pair.replicas:
        expect_recovery(replica, cold, leads_to, healed_at_s)


def expect_honest_while_cut(
    replica: Replica, cold: list[tuple[str, str]], leads_to: LeadsTo
) -> None:
    answers = replica.send_all([Call("GET", f"/{code}") for code, _ in cold], timeout_s=1.0)
    for (code, url), answer in zip(cold, answers, strict=True):
        honest = answer.status == 0 or answer.status >= 500 or leads_to(answer, url)
        expected = f"GET /{code} redirects or says 5xx: the database is away, the link isn't"
        step = "An error of the database is no answer: not 404, and nothing to put into a cache."
        expect(honest, expected, answer, step, answer)


def expect_recovery(
    replica: Replica,
    cold: list[tuple[str, str]],
    leads_to: LeadsTo,
    healed_at_s: float,
) -> None:
    """Ask in rounds of ten until two rounds in a row are good; the first must begin in time."""
    good_rounds = 0
    while good_rounds < 2:
        begun_after_s = time.monotonic() - healed_at_s
        bad = a_bad_answer(replica, cold, leads_to)
        good_rounds = 0 if bad else good_rounds + 1
        in_time = good_rounds > 0 or begun_after_s <= RECOVERS_WITHIN_S
        expected = f"all requests good {RECOVERS_WITHIN_S:.0f} s after the connections were lost"
        step = "Throw broken connections away (check them on checkout) and connect again."
        expect(in_time, expected, bad, step, bad)


def a_bad_answer(replica: Replica, cold: list[tuple[str, str]], leads_to: LeadsTo) -> Answer | None:
    """Create five links and follow five that no cache knows; the first wrong answer."""
    asked = [cold.pop() for _ in range(min(5, len(cold) - 1))] or cold
    gets = [Call("GET", f"/{code}") for code, _ in asked]
    posts = [Call("POST", "/api/links", {"url": url}) for _, url in asked]
    answers = replica.send_all([*gets, *posts], timeout_s=3.0)
    bad = [a for (_, url), a in zip(asked, answers, strict=False) if not leads_to(a, url)]
    bad += [answer for answer in answers[len(gets) :] if answer.status != 201]
    return bad[0] if bad else None
