"""Stage faults: kill -9 in the middle of the work."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from graders.checks import App, Call, Replica, expect, requirement

FollowAll = Callable[..., None]
SomeLinks = Callable[[App | Replica, int], dict[str, str]]

# Together more than a replica has connections, and out of step with each other, so that at any
# moment some links are about to be asked for, some half-way and some about to be acknowledged.
CREATORS, AT_ONCE = 6, 5
ENOUGH_LINKS = 60
CREATED_WITHIN_S = 10.0
DATABASE_DELAY_S = 0.03


def keep_creating(replica: Replica, tag: str, acknowledged: dict[str, str]) -> None:
    """Create links until one is not answered; note what was acknowledged with a 201."""
    for batch in range(100):
        urls = [f"https://example.com/{tag}/{batch}/{index}" for index in range(AT_ONCE)]
        calls = [Call("POST", "/api/links", {"url": url}) for url in urls]
        answers = replica.send_all(calls, AT_ONCE)
        for url, answer in zip(urls, answers, strict=True):
            if answer.status == 201:
                acknowledged[str(answer.json().get("code"))] = url
        if any(answer.status == 0 for answer in answers):
            return


def wait_for_some(acknowledged: dict[str, str], creating: Sequence[Future[None]]) -> None:
    deadline_s = time.monotonic() + CREATED_WITHIN_S
    while len(acknowledged) < ENOUGH_LINKS and time.monotonic() < deadline_s:
        if not wait(creating, timeout=0.01).not_done:
            break
    expected = f"at least {ENOUGH_LINKS} links created in {CREATED_WITHIN_S:.0f} s"
    expect(len(acknowledged) >= ENOUGH_LINKS, expected, len(acknowledged))


def kill_while_creating(app: App, tag: str) -> dict[str, str]:
    """Kill a replica under load; the links it acknowledged: URLs by code."""
    acknowledged: dict[str, str] = {}
    replica, database = app.replicas[0], app.link("postgres")
    with ThreadPoolExecutor(CREATORS) as pool, database.delay(DATABASE_DELAY_S):
        creating = [
            pool.submit(keep_creating, replica, f"{tag}/{number}", acknowledged)
            for number in range(CREATORS)
        ]
        wait_for_some(acknowledged, creating)
        # From here on nothing reaches the database any more, but answers under way still arrive:
        # whoever acknowledges before the COMMIT is through is caught in the act, every time.
        with database.black_hole():
            wait(creating, timeout=3 * DATABASE_DELAY_S)
            with database.cut():
                replica.kill()
                for creator in creating:
                    creator.result()
    return acknowledged


@requirement("survives-restart")
def test_every_acknowledged_link_survives_kill_9(
    pair: App, some_links: SomeLinks, follow_all: FollowAll, seed: int
) -> None:
    replica = pair.replicas[0]
    kept = some_links(replica, CREATORS * AT_ONCE)
    acknowledged = kept | kill_while_creating(pair, f"restart-{seed}")
    replica.restart()
    pair.redis.flush()  # what counts is the truth, not what a cache still knows
    step = "Answer 201 only after the COMMIT came back; what was in memory is gone."
    follow_all(replica, acknowledged, step)
    fresh = some_links(replica, CREATORS * AT_ONCE)
    twice = sorted(set(acknowledged) & set(fresh))
    step = "A counter in the process starts again at its beginning; the database's doesn't."
    expect(twice == [], "new codes after the restart", f"given out again: {twice}", step)
    follow_all(replica, kept | fresh, step)
