"""Stage collisions: small and full code spaces, imported codes, codes given out twice."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from graders.checks import Answer, App, Call, expect, requirement

Create = Callable[..., dict[str, Any]]
Created = Callable[[Answer], dict[str, Any]]
Follow = Callable[..., None]
NewUrl = Callable[[], str]
SomeLinks = Callable[[App, int], dict[str, str]]

CROWD = 400  # of 62 * 62 = 3,844 codes: drawn at random, some 20 are drawn twice
CODES_OF_ONE = 62
SHORT = 2  # asked for is 1, but the hashids library can't write that
TOO_MANY = 100
FULL_WITHIN_S = 2.0  # the contract
PATIENCE_S = 3.0


@dataclass
class Space:
    """A service with short codes, and what was asked of it in order: URL and answer."""

    app: App
    posts: list[tuple[str, Answer]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def fill(self, tag: str, count: int, at_once: int) -> None:
        """Create links in rounds, until a round has an answer that never came."""
        for start in range(0, count, 2 * at_once):
            numbers = range(start, min(start + 2 * at_once, count))
            urls = [f"https://example.com/{tag}/{number}" for number in numbers]
            calls = [Call("POST", "/api/links", {"url": url}) for url in urls]
            answers = self.app.send_all(calls, at_once, PATIENCE_S)
            self.posts += zip(urls, answers, strict=True)
            if any(answer.status == 0 for answer in answers):
                return

    def codes(self) -> list[str]:
        """Return the codes that were given out, in order."""
        return [str(a.json().get("code")) for _, a in self.posts if a.status == 201]

    def links(self) -> dict[str, str]:
        """Return what was given out and not deleted: URLs by code, no code twice."""
        pairs = [(str(a.json().get("code")), url) for url, a in self.posts if a.status == 201]
        owners: dict[str, str] = {}
        for code, url in pairs:
            first = owners.setdefault(code, url)
            step = "Let the database refuse a code that exists (UNIQUE), then draw another one."
            expected = "each link has a code of its own"
            expect(first == url, expected, f"{code} was given to {first} and to {url}", step)
        return {code: url for code, url in pairs if code not in self.deleted}


@pytest.fixture(scope="module")
def crowded(app_factory: Callable[..., Any], seed: int) -> Iterator[Space]:
    """Two characters a code, and many of them taken."""
    with app_factory(env={"CODE_LENGTH": "2"}) as app:
        space = Space(app)
        space.fill(f"{seed}-crowd", CROWD, at_once=25)
        yield space


@pytest.fixture(scope="session")
def full(app_factory: Callable[..., Any], seed: int) -> Iterator[Space]:
    """One character a code, some links deleted, then more links than there are codes."""
    with app_factory(env={"CODE_LENGTH": "1"}) as app:
        space = Space(app)
        space.fill(f"{seed}-before", 20, at_once=5)
        codes = space.codes()[:8]
        answers = app.send_all([Call("DELETE", f"/api/links/{code}") for code in codes])
        space.deleted = [c for c, a in zip(codes, answers, strict=True) if a.status == 204]
        space.fill(f"{seed}-after", TOO_MANY - 20, at_once=10)
        yield space


@requirement("survives-collisions")
def test_a_small_code_space_can_be_used(crowded: Space, created: Created) -> None:
    codes = [created(answer)["code"] for _, answer in crowded.posts]
    expect(len(codes) == CROWD, f"{CROWD} links created", len(codes))
    lengths = {len(code) for code in codes[:20]}
    step = "Read CODE_LENGTH from the environment; longer codes are for a space that is full."
    expect(lengths == {2}, "codes of 2 characters at first: CODE_LENGTH is 2", codes[:20], step)


@requirement("survives-collisions")
def test_links_in_a_crowded_space_keep_their_codes_and_urls(
    crowded: Space, follow_all: Callable[..., None], rng: random.Random
) -> None:
    links = crowded.links()
    expect(len(links) > CROWD // 2, f"{CROWD} links created", len(links))
    sample = dict([*list(links.items())[:60], *rng.sample(list(links.items()), 60)])
    step = "A new link must never take the row of an old one: no upsert, no overwriting."
    follow_all(crowded.app, sample, step)


@requirement("survives-collisions")
def test_most_of_a_code_space_can_be_used_before_anything_else_happens(
    full: Space, created: Created
) -> None:
    most = CODES_OF_ONE * 2 // 3
    codes = [created(answer)["code"] for _, answer in full.posts[:most]]
    short = {code for code in codes if len(code) <= SHORT}
    step = "CODE_LENGTH is 1. With 40 of 62 codes taken a free one is found in three tries or so."
    expect(len(short) == most, f"{most} short codes, all different", codes, step)


@requirement("survives-collisions")
def test_one_url_posted_twice_makes_two_links(
    app: App, create: Create, follow: Follow, new_url: NewUrl
) -> None:
    url = new_url()
    first, second = create(app, url)["code"], create(app, url)["code"]
    step = "A code made from the URL alone makes two owners share clicks, expiry and deletion."
    expect(first != second, "two links with codes of their own", f"{first} twice", step)
    app.delete(f"/api/links/{first}").expect(204, "the link exists")
    app.get(f"/{first}").expect(410, "this link was deleted")
    follow(app, second, url, f"Only {first} was deleted, not {second}.")


@requirement("survives-collisions")
def test_generated_codes_stay_clear_of_imported_ones(
    pair: App,
    moved: Mapping[str, str],
    follow_all: Callable[..., None],
    some_links: SomeLinks,
) -> None:
    links = some_links(pair, 40)
    taken = sorted(set(links) & set(moved))
    step = "A counter knows nothing of imported codes: draw the next one when a code is taken."
    expect(taken == [], "new codes that were not imported", f"imported before: {taken}", step)
    imported = dict(list(moved.items())[:60])  # the first ones are those most in danger
    follow_all(pair, links | imported, step)
    answer = pair.get(f"/api/links/{list(moved)[-1]}").expect(200, "it was imported")
    got = answer.json()
    right = got.get("clicks") == 0 and got.get("expires_at", "missing") is None
    expect(right, "an imported link has clicks 0 and expires_at null", got, "", answer)


@requirement("full-code-space")
def test_when_the_space_is_full_the_answer_is_clear_and_quick(full: Space) -> None:
    step = "Count your retries: after some, use a longer code or answer 503."
    for _, answer in full.posts:
        got = answer.error if answer.status == 0 else f"{answer.status} {answer.text[:200]}"
        clear = answer.status >= 500 and "Internal Server Error" not in answer.text
        expected = "201 with a longer code, or 503 with a body that says what is wrong"
        expect(answer.status == 201 or (clear and answer.body != b""), expected, got, step, answer)
        quick = answer.elapsed_s <= FULL_WITHIN_S
        expect(quick, f"within {FULL_WITHIN_S:.0f} s", f"{answer.elapsed_s:.1f} s", step, answer)
    expect(len(full.posts) == TOO_MANY, f"{TOO_MANY} links asked for", len(full.posts))


@requirement("full-code-space")
def test_filling_the_space_overwrites_no_link(full: Space, follow_all: Callable[..., None]) -> None:
    links = full.links()
    short = [code for code in links if len(code) <= SHORT]
    step = "Read CODE_LENGTH from the environment; here it is 1, and there are 62 codes."
    expect(len(short) >= 20, "at least 20 short codes", len(short), step)
    follow_all(full.app, links, "However full the space is, a link must never lose its code.")


@requirement("full-code-space")
def test_aliases_work_while_the_space_is_full(
    full: Space, create: Create, follow: Follow, new_url: NewUrl, new_alias: NewUrl
) -> None:
    url, alias = new_url(), new_alias()
    full.app.get("/healthz").expect(200, "the service is healthy, only its short codes are used up")
    create(full.app, url, alias=alias)
    follow(full.app, alias, url)


@requirement("deletes")
def test_a_deleted_code_is_not_generated_again(full: Space) -> None:
    expect(len(full.deleted) > 0, "8 links deleted with 204", len(full.deleted))
    again = full.codes()[20:]
    expect(len(again) > 0, "links created after the deletion", len(again))
    reused = sorted(set(full.deleted) & set(again))
    step = "Keep deleted codes as marked rows, so that the UNIQUE constraint still knows them."
    expect(reused == [], "no deleted code is given out again", f"given out again: {reused}", step)
    for code in full.deleted:
        full.app.get(f"/{code}").expect(410, f"{code} was deleted", step)
