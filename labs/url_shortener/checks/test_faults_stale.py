"""Stage faults: caches must not keep alive what was deleted or has expired."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from graders.checks import Answer, App, Call, expect, requirement

Created = Callable[[Answer], dict[str, Any]]
FollowAll = Callable[..., None]
ExpectGone = Callable[..., None]
SomeLinks = Callable[[App, int], dict[str, str]]
UseRedis = Callable[[App, dict[str, str]], None]

STALE_AT_MOST_S = 1.0  # the contract
ENDS_AFTER_S = 2
READERS = 6  # fewer than a replica has connections to PostgreSQL
READ_DELAY_S = 0.5


@pytest.fixture(scope="module")
def expiring(pair: App, seed: int) -> tuple[Answer, float]:
    """Make a link that ends soon and warm all caches; the 201, and when it must be gone."""
    url = f"https://example.com/expiring/{seed}"
    post = Call("POST", "/api/links", {"url": url, "expires_in_s": ENDS_AFTER_S})
    answer = pair.send_all([post])[0]
    gone_at_s = time.monotonic() + ENDS_AFTER_S + STALE_AT_MOST_S
    code = answer.json().get("code") if answer.status == 201 else "none"
    for replica in pair.replicas:
        replica.send_all([Call("GET", f"/{code}")] * 4, concurrency=2)
    return answer, gone_at_s


@requirement("delete-beats-cache")
def test_a_deleted_link_stops_on_both_replicas(
    pair: App,
    expiring: tuple[Answer, float],
    some_links: SomeLinks,
    use_redis: UseRedis,
    follow_all: FollowAll,
    expect_gone: ExpectGone,
) -> None:
    links = some_links(pair, 6)
    use_redis(pair, links)
    for replica in pair.replicas:
        follow_all(replica, links, "")
    step = "Each cache needs to hear of a deletion, or must not remember longer than 1 s."
    for index, code in enumerate(list(links)[:4]):
        near, far = pair.replicas[index % 2], pair.replicas[1 - index % 2]
        near.delete(f"/api/links/{code}").expect(204, "the link exists")
        near.get(f"/{code}").expect(410, "this replica itself deleted it", step)
        expect_gone(far, code, STALE_AT_MOST_S, step)
    pair.redis.flush()
    step = "A deletion must be in PostgreSQL as well: Redis may forget it."
    for replica in pair.replicas:
        for code in list(links)[:4]:
            expect_gone(replica, code, 0, step)
    follow_all(pair, dict(list(links.items())[4:]), "The other links were not deleted.")


@requirement("delete-beats-cache")
def test_a_reader_who_comes_late_does_not_bring_a_deleted_link_back(
    pair: App,
    expiring: tuple[Answer, float],
    some_links: SomeLinks,
    use_redis: UseRedis,
    expect_gone: ExpectGone,
) -> None:
    links = some_links(pair, READERS)
    use_redis(pair, links)
    pair.redis.flush()
    readers = [Call("GET", f"/{code}") for code in links]
    with ThreadPoolExecutor(1) as pool:
        # The rows of these readers are on their way while the links are deleted: the delay holds
        # answers that were given before its end, and no later ones.
        with pair.link("postgres").delay(READ_DELAY_S):
            [(begun,)] = pair.postgres.fetch("SELECT clock_timestamp()")
            reading = pool.submit(pair.replicas[0].send_all, readers)
            wait_until_asked(pair, begun)
        for index, code in enumerate(links):
            deleter = pair.replicas[index % 2]
            deleter.delete(f"/api/links/{code}").expect(204, "the link exists")
        reading.result()
    step = "Who loaded a link before it was deleted must not put it into the cache afterwards."
    for replica in pair.replicas:
        for code in links:
            expect_gone(replica, code, STALE_AT_MOST_S, step)


def wait_until_asked(app: App, begun: datetime) -> None:
    """Wait until the database has had a question from each reader, or for half of the delay."""
    deadline_s = time.monotonic() + READ_DELAY_S / 2
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE query_start > %s"
        " AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    while app.postgres.fetch(asked, begun)[0][0] < READERS and time.monotonic() < deadline_s:
        time.sleep(0.01)


@requirement("delete-beats-cache")
def test_a_link_deleted_while_redis_is_away_stays_gone_when_it_is_back(
    pair: App,
    some_links: SomeLinks,
    use_redis: UseRedis,
) -> None:
    links = some_links(pair, 4)
    use_redis(pair, links)
    with pair.link("redis").cut():
        deletes = [Call("DELETE", f"/api/links/{code}") for code in links]
        answers = pair.send_all(deletes)
    gone = [code for code, answer in zip(links, answers, strict=True) if answer.status == 204]
    for answer in answers:
        answer.expect({204, 503}, "the link is deleted, or the deletion is honestly refused")
    due_s = time.monotonic() + STALE_AT_MOST_S
    step = "Redis may come back with what it knew before; tell it again, or check what it says."
    # The whole second is watched: caches may be asked again only after a while.
    while (asked_at_s := time.monotonic()) < due_s + 0.3:
        for replica in pair.replicas:
            for after in replica.send_all([Call("GET", f"/{code}") for code in gone]):
                right = after.status == 410 or asked_at_s < due_s
                expected = "410 on every replica, from 1 s after Redis came back"
                expect(right, expected, after, step, after)
        time.sleep(0.05)


@requirement("delete-beats-cache")
def test_an_expired_link_stops_on_both_replicas(
    pair: App, expiring: tuple[Answer, float], created: Created, expect_gone: ExpectGone
) -> None:
    answer, gone_at_s = expiring
    code = created(answer)["code"]
    for replica in pair.replicas:
        step = "What a cache holds must not live longer than the link itself."
        expect_gone(replica, code, gone_at_s - time.monotonic(), step)
