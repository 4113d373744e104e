"""Stage faults: kill -9 in the middle of the work."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from graders.checks import App, Call, Replica, expect, requirement

ExpectAllFollow = Callable[..., None]
SomeLinks = Callable[[App | Replica, int], dict[str, str]]

CLIENTS = 40  # more than a replica has connections, so that some work is always waiting
ENOUGH_LINKS = 120
DATABASE_DELAY_S = 0.05
PATIENCE_S = 5.0


def keep_creating(replica: Replica, tag: str, acknowledged: dict[str, str]) -> None:
    """Create links until one is not answered; note what was acknowledged with a 201."""
    for batch in range(100):
        urls = [f"https://example.com/{tag}/{batch}/{index}" for index in range(CLIENTS)]
        calls = [Call("POST", "/api/links", {"url": url}) for url in urls]
        answers = replica.send_all(calls, CLIENTS, PATIENCE_S)
        for url, answer in zip(urls, answers, strict=True):
            if answer.status == 201:
                acknowledged[str(answer.json().get("code"))] = url
        if any(answer.status == 0 for answer in answers):
            return


def wait_for_some(acknowledged: dict[str, str], creating: Future[None]) -> None:
    deadline_s = time.monotonic() + 2 * PATIENCE_S
    while len(acknowledged) < ENOUGH_LINKS and not creating.done():
        if time.monotonic() > deadline_s:
            break
        wait([creating], timeout=0.01)
    expected = f"at least {ENOUGH_LINKS} links created in {2 * PATIENCE_S:.0f} s"
    expect(len(acknowledged) >= ENOUGH_LINKS, expected, len(acknowledged))


@requirement("survives-restart")
def test_every_acknowledged_link_survives_kill_9(
    frail: App, some_links: SomeLinks, expect_all_follow: ExpectAllFollow, seed: int
) -> None:
    replica = frail.replicas[0]
    acknowledged = some_links(replica, 20)
    gone, _ = acknowledged.popitem()
    replica.delete(f"/api/links/{gone}").expect(204, "the link exists")
    kill_while_creating(frail, f"restart-{seed}", acknowledged)
    step = "Answer 201 only after the COMMIT came back; what was in memory is gone."
    for each in frail.replicas:
        expect_all_follow(each, dict(list(acknowledged.items())[-CLIENTS * 4 :]), PATIENCE_S, step)
    replica.get(f"/{gone}").expect(410, "it was deleted before the restart", step)


def kill_while_creating(app: App, tag: str, acknowledged: dict[str, str]) -> None:
    replica, database = app.replicas[0], app.link("postgres")
    with ThreadPoolExecutor(1) as pool, database.delay(DATABASE_DELAY_S):
        creating = pool.submit(keep_creating, replica, tag, acknowledged)
        wait_for_some(acknowledged, creating)
        # From here on nothing reaches the database any more, but answers under way still arrive:
        # whoever acknowledges before the COMMIT is through is caught in the act, every time.
        with database.black_hole():
            wait([creating], timeout=3 * DATABASE_DELAY_S)
            with database.cut():
                replica.kill()
                creating.result()
    replica.restart()


@requirement("survives-restart")
def test_no_code_is_given_out_again_after_a_restart(
    frail: App, some_links: SomeLinks, expect_all_follow: ExpectAllFollow
) -> None:
    replica = frail.replicas[1]
    before = some_links(replica, 30)
    replica.restart()
    after = some_links(replica, 30)
    twice = sorted(set(before) & set(after))
    step = "A counter in the process starts again at its beginning; the database's doesn't."
    expect(twice == [], "new codes after the restart", f"given out again: {twice}", step)
    expect_all_follow(replica, before | after, PATIENCE_S, step)
