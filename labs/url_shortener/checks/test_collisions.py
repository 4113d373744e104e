"""Stage collisions: small and full code spaces, imported codes, codes given out twice."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from graders.checks import Answer, App, Call, expect, requirement

Create = Callable[..., dict[str, Any]]
Created = Callable[[Answer], dict[str, Any]]
ExpectRedirect = Callable[..., None]
Follow = Callable[..., None]
NewUrl = Callable[[], str]

CROWD = 2100  # of the 62 * 62 = 3,844 codes of two characters
SAMPLE = 300
FULL_WITHIN_S = 2.0  # the contract
PATIENCE_S = 3.0


@dataclass
class Space:
    """A service with short codes, and what was asked of it in order: URL and answer."""

    app: App
    posts: list[tuple[str, Answer]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def fill(self, tag: str, count: int, concurrency: int) -> None:
        """Create links in rounds, until a round has an answer that never came."""
        for start in range(0, count, 100):
            size = min(100, count - start)
            urls = [f"https://example.com/{tag}/{start + index}" for index in range(size)]
            calls = [Call("POST", "/api/links", {"url": url}) for url in urls]
            answers = self.app.send_all(calls, concurrency, PATIENCE_S)
            self.posts += zip(urls, answers, strict=True)
            if any(answer.status == 0 for answer in answers):
                return

    def links(self) -> list[tuple[str, str]]:
        """Return URL and code of what was acknowledged and not deleted, in order."""
        pairs = [(url, str(a.json().get("code"))) for url, a in self.posts if a.status == 201]
        return [(url, code) for url, code in pairs if code not in self.deleted]


@pytest.fixture(scope="module")
def crowded(app_factory: Callable[..., Any], seed: int) -> Iterator[Space]:
    """Two characters a code, and more than half of all codes taken."""
    with app_factory(env={"CODE_LENGTH": "2"}) as app:
        space = Space(app)
        space.fill(f"{seed}-crowd", CROWD, concurrency=25)
        yield space


@pytest.fixture(scope="module")
def full(app_factory: Callable[..., Any], seed: int) -> Iterator[Space]:
    """One character a code, some links deleted, then more links than there are codes."""
    with app_factory(env={"CODE_LENGTH": "1"}) as app:
        space = Space(app)
        space.fill(f"{seed}-before", 20, concurrency=5)
        codes = [code for _, code in space.links()][:8]
        answers = app.send_all([Call("DELETE", f"/api/links/{code}") for code in codes])
        space.deleted = [c for c, a in zip(codes, answers, strict=True) if a.status == 204]
        space.fill(f"{seed}-after", 80, concurrency=10)
        yield space


def expect_all_different(links: Sequence[tuple[str, str]]) -> None:
    owner: dict[str, str] = {}
    for url, code in links:
        first = owner.setdefault(code, url)
        step = "Let the database refuse a code that exists (UNIQUE), and draw another one then."
        expected = "each link has a code of its own"
        expect(first == url, expected, f"{code} was given to {first} and to {url}", step)


def expect_own_urls(
    app: App, links: Sequence[tuple[str, str]], expect_redirect: ExpectRedirect
) -> None:
    answers = app.send_all([Call("GET", f"/{code}") for _, code in links], concurrency=25)
    step = "A new link must never take the row of an old one: no upsert, no overwriting."
    for (url, code), answer in zip(links, answers, strict=True):
        expect_redirect(answer, code, url, step)


@requirement("survives-collisions")
def test_half_of_a_small_code_space_can_be_used(crowded: Space, created: Created) -> None:
    codes = [created(answer)["code"] for _, answer in crowded.posts]
    expect(len(codes) == CROWD, f"{CROWD} links created", len(codes))
    lengths = {len(code) for code in codes[:20]}
    step = "Read CODE_LENGTH from the environment; longer codes are for a space that is full."
    expect(lengths == {2}, "codes of 2 characters at first: CODE_LENGTH is 2", codes[:20], step)


@requirement("survives-collisions")
def test_no_code_of_a_small_space_is_given_out_twice(crowded: Space) -> None:
    links = crowded.links()
    expect(len(links) > CROWD // 2, f"more than {CROWD // 2} links created", len(links))
    expect_all_different(links)


@requirement("survives-collisions")
def test_links_in_a_small_space_keep_their_own_urls(
    crowded: Space, expect_redirect: ExpectRedirect, rng: random.Random
) -> None:
    links = crowded.links()
    expect(len(links) > CROWD // 2, f"more than {CROWD // 2} links created", len(links))
    sample = links[:50] + rng.sample(links[50:], SAMPLE - 50)
    expect_own_urls(crowded.app, sample, expect_redirect)


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
    consecutive: list[tuple[str, Answer]],
    create: Create,
    expect_redirect: ExpectRedirect,
    write_links: Callable[..., dict[str, str]],
    new_url: NewUrl,
    rng: random.Random,
    tmp_path: Path,
) -> None:
    # Another installation just gave out these codes; a deterministic generator repeats itself.
    codes = [str(a.json().get("code")) for _, a in consecutive[:100] if a.status == 201]
    old = write_links(tmp_path / "old.csv", 200, rng, codes)
    pair.run_task("import", file=str(tmp_path / "old.csv"))
    news = [new_url() for _ in range(40)]
    links = [(url, code) for code, url in old.items()]
    links += [(url, create(pair, url)["code"]) for url in news]
    expect_all_different(links)
    expect_own_urls(pair, links, expect_redirect)
    fresh = pair.get(f"/api/links/{rng.choice(codes or list(old))}").expect(200, "it was imported")
    got = fresh.json()
    right = "clicks" in got and got.get("expires_at", "") is None
    expect(right, "an imported link has clicks, and expires_at is null", got, "", fresh)


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
    expect(len(full.posts) == 100, "100 links asked for", len(full.posts))


@requirement("full-code-space")
def test_filling_the_space_overwrites_no_link(full: Space, expect_redirect: ExpectRedirect) -> None:
    links = full.links()
    short = [code for _, code in links if len(code) == 1]
    step = "Read CODE_LENGTH from the environment; here it is 1, and there are 62 codes."
    expect(len(short) >= 20, "at least 20 codes of one character", len(short), step)
    expect_all_different(links)
    expect_own_urls(full.app, links, expect_redirect)


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
    again = [code for _, a in full.posts[20:] if a.status == 201 for code in [a.json().get("code")]]
    expect(len(again) > 0, "links created after the deletion", len(again))
    reused = sorted(set(full.deleted) & set(again))
    step = "Keep deleted codes as marked rows, so that the UNIQUE constraint still knows them."
    expect(reused == [], "no deleted code is given out again", f"given out again: {reused}", step)
    for code in full.deleted:
        full.app.get(f"/{code}").expect(410, f"{code} was deleted", step)
