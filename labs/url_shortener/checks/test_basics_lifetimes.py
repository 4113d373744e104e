"""Stage basics: how links end. Short-lived ones are made first and looked at last."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from graders.checks import Answer, App, Call, expect, requirement

Create = Callable[..., dict[str, Any]]
ExpectGone = Callable[..., None]
ExpectRedirect = Callable[..., None]
Follow = Callable[..., None]
NewUrl = Callable[[], str]

LIFE_S = 1
GRACE_S = 1.0  # the contract: an expired link stops within 1 s


@dataclass(frozen=True)
class ShortLived:
    """Links that end after LIFE_S: one asked for while it lived (hot), one never (cold)."""

    urls: list[str]
    created: list[Answer]
    hot_answers: list[Answer]
    all_alive: bool
    gone_at_s: float

    def code(self, index: int) -> str:
        answer = self.created[index].expect(201, f"expires_in_s = {LIFE_S} is valid")
        return str(answer.json().get("code"))


@pytest.fixture(scope="module", autouse=True)
def short_lived(app: App, seed: int) -> ShortLived:
    """Start the clocks; judges nothing itself, so that other requirements don't suffer."""
    urls = [f"https://example.com/short-lived/{seed}/{name}" for name in ("hot", "cold")]
    started_s = time.monotonic()
    calls = [Call("POST", "/api/links", {"url": url, "expires_in_s": LIFE_S}) for url in urls]
    created = app.send_all(calls)
    gone_at_s = time.monotonic() + LIFE_S + GRACE_S
    hot = created[0].json().get("code") if created[0].status == 201 else "none"
    hot_answers = app.send_all([Call("GET", f"/{hot}")] * 3, concurrency=1)
    all_alive = time.monotonic() < started_s + LIFE_S
    return ShortLived(urls, created, hot_answers, all_alive, gone_at_s)


@requirement("deletes")
@pytest.mark.parametrize("hot", [True, False], ids=["asked for before", "never asked for"])
def test_a_deleted_link_is_gone_for_every_reader(
    app: App, create: Create, follow: Follow, new_url: NewUrl, hot: bool
) -> None:
    url = new_url()
    code = create(app, url)["code"]
    if hot:
        follow(app, code, url)
    app.delete(f"/api/links/{code}").expect(204, "the link exists")
    step = "Delete it from the cache as well, before you answer 204."
    app.get(f"/{code}").expect(410, "it is deleted", step)
    app.get(f"/api/links/{code}").expect(410, "it is deleted for the API as well")


@requirement("deletes")
def test_deleting_again_or_deleting_one_of_two_changes_nothing_else(
    app: App, create: Create, follow: Follow, new_url: NewUrl
) -> None:
    kept_url = new_url()
    gone, kept = create(app, new_url())["code"], create(app, kept_url)["code"]
    app.delete(f"/api/links/{gone}").expect(204, "the link exists")
    app.delete(f"/api/links/{gone}").expect({410, 404}, "it is deleted already")
    app.get(f"/{gone}").expect(410, "it stays deleted")
    follow(app, kept, kept_url, "Only the link that was named may go.")


@requirement("deletes")
def test_a_deleted_alias_is_never_given_out_again(
    app: App, create: Create, new_url: NewUrl, new_alias: NewUrl
) -> None:
    alias = new_alias()
    create(app, new_url(), alias=alias)
    app.delete(f"/api/links/{alias}").expect(204, "the link exists")
    step = "Keep a mark of what was given out; old copies of the short URL are still around."
    again = app.post("/api/links", json={"url": new_url(), "alias": alias})
    again.expect(409, f"{alias} was given out once and never will be again", step)
    app.get(f"/{alias}").expect(410, "it is still deleted", step)


@requirement("expires")
@pytest.mark.parametrize("bad", [0, -1, 315_360_001, 10**30, 1.5, "soon"])
def test_a_bad_lifetime_is_refused_and_leaves_no_link(
    app: App, new_url: NewUrl, new_alias: NewUrl, bad: object
) -> None:
    alias = new_alias()
    body = {"url": new_url(), "alias": alias, "expires_in_s": bad}
    answer = app.post("/api/links", json=body)
    answer.expect(422, f"{bad!r} is no whole number of seconds from 1 to 315,360,000")
    step = "Say in the body which field is wrong."
    named = "expires_in_s" in answer.text
    expect(named, "a body that names 'expires_in_s'", answer.text[:300], step, answer)
    app.get(f"/{alias}").expect(404, "a refused request leaves nothing behind")


@requirement("expires")
def test_expires_at_is_created_at_plus_the_lifetime(
    app: App, create: Create, follow: Follow, new_url: NewUrl
) -> None:
    for life_s in (3600, 315_360_000):
        url = new_url()
        link = create(app, url, expires_in_s=life_s)
        step = "expires_at is created_at + expires_in_s, in ISO 8601 with a zone."
        got_s = seconds_between(link.get("created_at"), link.get("expires_at"))
        right = got_s is not None and abs(got_s - life_s) <= 1
        expect(right, f"expires_at {life_s} s after created_at", link, step)
        follow(app, link["code"], url, "This link is far from its end.")


def seconds_between(start: object, end: object) -> float | None:
    """Return the seconds between two moments, or None if they aren't ISO 8601 with a zone."""
    try:
        moments = [datetime.fromisoformat(str(text)) for text in (start, end)]
    except ValueError:
        return None
    if any(moment.tzinfo is None for moment in moments):
        return None
    return (moments[1] - moments[0]).total_seconds()


@requirement("expires")
def test_a_null_lifetime_means_for_ever(app: App, create: Create, new_url: NewUrl) -> None:
    link = create(app, new_url(), expires_in_s=None)
    expect(link.get("expires_at") is None, '"expires_at" is null', link.get("expires_at"))


@requirement("expires")
def test_a_link_works_until_it_expires(
    short_lived: ShortLived, expect_redirect: ExpectRedirect
) -> None:
    code = short_lived.code(0)
    if not short_lived.all_alive:
        return  # the machine was so slow that the answers came too late to say anything
    step = f"expires_in_s is in seconds; this link was asked for at once and lives {LIFE_S} s."
    for answer in short_lived.hot_answers:
        expect_redirect(answer, code, short_lived.urls[0], step)


@requirement("expires")
@pytest.mark.parametrize("index", [0, 1], ids=["asked for before", "never asked for"])
def test_an_expired_link_answers_410(
    app: App, short_lived: ShortLived, expect_gone: ExpectGone, index: int
) -> None:
    code = short_lived.code(index)
    left_s = short_lived.gone_at_s - time.monotonic()
    step = "The end of the link has to travel into every cache together with its URL."
    expect_gone(app, code, left_s, step)
    app.get(f"/api/links/{code}").expect(410, "it is expired for the API as well")
