"""Stage concurrency: many clients on two replicas and one database."""

from collections.abc import Callable, Sequence
from typing import Any

from graders.checks import Answer, App, Call, Replica, expect, requirement

Create = Callable[..., dict[str, Any]]
Created = Callable[[Answer], dict[str, Any]]
Eventually = Callable[..., Answer]
ExpectRedirect = Callable[..., None]
Follow = Callable[..., None]
LeadsTo = Callable[[Answer, str], bool]
NewUrl = Callable[[], str]
SomeLinks = Callable[[App | Replica, int], dict[str, str]]
Spread = Callable[..., list[Answer]]

RACES = 5
CLIENTS = 50
READERS = 10
LINKS = 100
CLICKS = 160
COUNTED_WITHIN_S = 3.0  # the contract


@requirement("alias-race")
def test_of_many_clients_exactly_one_gets_the_alias(
    pair: App,
    follow: Follow,
    spread: Spread,
    expect_redirect: ExpectRedirect,
    new_url: NewUrl,
    new_alias: NewUrl,
) -> None:
    for _ in range(RACES):
        alias = new_alias()
        urls = [new_url() for _ in range(CLIENTS)]
        calls = [Call("POST", "/api/links", {"url": url, "alias": alias}) for url in urls]
        calls[20:20] = [Call("GET", f"/{alias}")] * READERS
        answers = spread(pair.replicas, calls, CLIENTS)
        reads = answers[20 : 20 + READERS]
        winner = urls[the_winner(alias, answers[:20] + answers[20 + READERS :])]
        for read in reads:
            if read.status != 404:  # before the race was decided
                expect_redirect(read, alias, winner, "A loser's URL must never be seen.")
        for replica in pair.replicas:
            follow(replica, alias, winner, "The link must be that of the client who got the 201.")


def the_winner(alias: str, answers: Sequence[Answer]) -> int:
    """Judge a race; the index of the only client who got the alias."""
    step = "Between your SELECT and your INSERT others can act; let a UNIQUE constraint decide."
    for answer in answers:
        answer.expect({201, 409}, f"{CLIENTS} clients race for {alias}: one wins, others 409", step)
    won = [index for index, answer in enumerate(answers) if answer.status == 201]
    expect(len(won) == 1, f"{alias} is given to one client", f"given to {len(won)}", step)
    return won[0]


@requirement("replicas-never-clash")
def test_two_replicas_never_give_out_the_same_code(
    pair: App,
    spread: Spread,
    created: Created,
    expect_redirect: ExpectRedirect,
    new_url: NewUrl,
) -> None:
    urls = [new_url() for _ in range(LINKS)]
    answers = spread(pair.replicas, [Call("POST", "/api/links", {"url": url}) for url in urls], 40)
    codes = [created(answer)["code"] for answer in answers]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    step = "What a process counts for itself, the next process counts too."
    expect(twice == [], f"{LINKS} different codes from two replicas", f"twice: {twice[:5]}", step)
    # The codes of one replica are followed on the other.
    crossed = list(reversed(pair.replicas))
    answers = spread(crossed, [Call("GET", f"/{code}") for code in codes], 40)
    for code, url, answer in zip(codes, urls, answers, strict=True):
        step = "Both replicas must see the same links: keep them in PostgreSQL, not in the process."
        expect_redirect(answer, code, url, step)


@requirement("replicas-never-clash")
def test_no_code_comes_back_after_redis_was_emptied(
    pair: App, some_links: SomeLinks, follow_all: Callable[..., None]
) -> None:
    before = [code for _ in range(2) for code in some_links(pair, 20).items()]
    pair.redis.flush()
    after = [code for replica in pair.replicas for code in some_links(replica, 20).items()]
    twice = sorted(set(dict(before)) & set(dict(after)))
    step = "Redis may forget everything, a counter too; PostgreSQL must have the last word."
    expect(twice == [], "80 different codes", f"given out again: {twice}", step)
    follow_all(pair, dict(before + after), step)


def clicked(spread: Spread, pair: App, code: str, url: str, leads_to: LeadsTo, gets: int) -> None:
    """Follow a link `gets` times on two replicas at once, every time with success."""
    heads = [Call("HEAD", f"/{code}")] * 6  # previews and link checkers; they are no clicks
    answers = spread(pair.replicas, [*[Call("GET", f"/{code}")] * gets, *heads], 40)
    right = sum(leads_to(answer, url) for answer in answers[:gets])
    step = "A redirect that fails under parallel requests can't be counted either."
    expect(right == gets, f"{gets} redirects to {url}", f"{right} of {gets}", step)


@requirement("clicks-are-exact")
def test_clicks_on_two_replicas_are_counted_exactly(
    pair: App,
    create: Create,
    eventually: Eventually,
    leads_to: LeadsTo,
    spread: Spread,
    new_url: NewUrl,
) -> None:
    url = new_url()
    code, rare = create(pair, url)["code"], create(pair, new_url())["code"]
    total = 0
    # The second round finds clicks that were counted twice or came late from the first.
    for gets in (CLICKS, CLICKS // 4):
        clicked(spread, pair, code, url, leads_to, gets)
        total += gets
        for replica in pair.replicas:
            expect_clicks(replica, code, total, eventually)
    expect_clicks(pair, rare, 0, eventually)


def expect_clicks(target: Any, code: str, clicks: int, eventually: Eventually) -> None:
    def right(answer: Answer) -> bool:
        return answer.status == 200 and answer.json().get("clicks") == clicks

    answer = eventually(lambda: target.get(f"/api/links/{code}"), right, COUNTED_WITHIN_S)
    expected = f'"clicks": {clicks}, the number of redirects so far (HEAD is no click)'
    step = "Let the database add: clicks = clicks + n. Reading, adding and writing loses clicks."
    expect(right(answer), expected, f"{answer.status} {answer.text[:300]}", step, answer)


@requirement("clicks-are-exact")
def test_clicks_on_many_links_at_once_are_each_counted_exactly(
    pair: App,
    create: Create,
    eventually: Eventually,
    leads_to: LeadsTo,
    spread: Spread,
    new_url: NewUrl,
) -> None:
    urls = [new_url() for _ in range(5)]
    codes = [create(pair, url)["code"] for url in urls]
    calls = [Call("GET", f"/{code}") for n, code in enumerate(codes) for _ in range(n * 8 + 2)]
    answers = spread(pair.replicas, calls, 40)
    redirected = sum(leads_to(answer, url) for answer in answers for url in urls)
    expect(redirected == len(calls), f"{len(calls)} redirects", redirected)
    for index, code in enumerate(codes):
        expect_clicks(pair, code, index * 8 + 2, eventually)
