"""Stage fast: one key for one question, one tag for one answer; and entries that end apart."""

import statistics
import time
from collections.abc import Sequence
from typing import Any

import pytest

from graders.checks import Answer, Call, Inconclusive, expect, requirement

Site = Any

SPELLINGS_CALLS = 2
COLD_PRODUCTS, COLD_CLIENTS = 240, 100
TTL_S = 12.0
GROUPS, GROUP_SIZE = 12, 24
FIRST_AGE, LAST_AGE = 0.5, 1.05  # of CACHE_TTL_S
WINDOW = 0.1  # the contract: lifetimes are spread over at least a fifth of CACHE_TTL_S
MOST_IN_A_WINDOW = 0.8
LEAST_IN_A_BIN = 8
HOSTS = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "ftp",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Original-URL": "/evil.example",
    "X-Rewrite-URL": "/evil.example",
    "Forwarded": "host=evil.example",
    "Origin": "http://evil.example",
    "Referer": "http://evil.example/",
}


# ------------------------------------------------------------------ cache key


def spellings(category: str) -> list[str]:
    """Return ways to ask for the first page of a category."""
    escaped = "".join(f"%{ord(char):02x}" for char in category)
    query = f"category={category}&page=1"
    return [
        f"/products?{query}",
        f"/products?page=1&category={category}",
        f"/products?category={category}",
        f"/products?category={escaped}&page=1",
        f"/products?page=%31&category={category}",
        f"/products?%63ategory={category}&page=1",
        f"/products?{query}&utm_source=mail",
        f"/products?fbclid=1&{query}",
        f"/products?{query}&",
    ]


@requirement("cache-key")
@pytest.mark.parametrize("at", [0, 1])
def test_one_page_has_one_entry_however_it_is_asked_for(site: Site, at: int) -> None:
    category = site.new(25)[0].category
    path, mark = f"/products?category={category}&page=1", site.mark()
    step = "Make the key from what you understood of the question, not from its letters."
    for spelling in spellings(category):
        site.expect_true(site.ask(spelling, at), path, None, step)
    what = f"one page in {len(spellings(category))} spellings"
    site.expect_calls(mark, SPELLINGS_CALLS, what, step)


@requirement("cache-key")
def test_an_id_has_one_entry_however_it_is_escaped(site: Site) -> None:
    [product] = site.new()
    escaped, mark = "".join(f"%{ord(char):02X}" for char in product.id), site.mark()
    step = "Escapes and parameters that mean nothing are no part of the question."
    for path in (product.path, f"/products/{escaped}", f"{product.path}?x=1", f"{product.path}?"):
        site.expect_true(site.ask(path), product.path, None, step)
    site.expect_calls(mark, SPELLINGS_CALLS, "one product in four spellings", step)


@requirement("cache-key")
def test_questions_that_read_alike_when_joined_are_kept_apart(site: Site) -> None:
    stem = site.word("c")
    site.new(3, f"{stem}1"), site.new(25, stem)
    step = "Join the parts of a key with something that can't occur in them."
    for at in (0, 1):
        for category, page in ((stem, 12), (f"{stem}1", 2), (stem, 2), (f"{stem}2", 1)):
            site.expect_now(f"/products?category={category}&page={page}", at, step=step)


@requirement("cache-key")
def test_headers_of_one_client_do_not_show_in_what_others_get(site: Site) -> None:
    products = site.new(25)
    page, product = products[0].page, products[0].path
    step = "Nothing that is not in the key may decide what is kept under it."
    for path in (page, product):
        for at in (0, 1):
            site.ask(path, at, headers=HOSTS)
        for at in (0, 1):
            answer = site.expect_now(path, at, step=step)
            everything = answer.text + str(dict(answer.headers))
            expect("evil" not in everything, "no word of another client's", answer, step, answer)


# ------------------------------------------------------------------ etag


@requirement("etag")
def test_a_client_that_has_the_answer_is_not_sent_it_again(site: Site) -> None:
    products = site.new(3)
    step = "An ETag names one content: the same on all replicas, another after every write."
    for path, tenant in ((products[0].path, None), (products[0].page, None)):
        tag = tag_of(site.expect_now(path), step)
        forms = (tag, f"W/{tag.removeprefix('W/')}", f'"no-such-tag", {tag}')
        for at in (0, 1):
            for form in forms:
                expect_unchanged(site.ask(path, at, tenant, headers={"If-None-Match": form}), step)
            other = site.ask(path, at, headers={"If-None-Match": '"no-such-tag"'})
            site.expect_true(other, path, tenant, step)


@requirement("etag")
def test_a_client_whose_answer_is_old_gets_the_new_one(site: Site) -> None:
    step = "Make the tag from all of the content: what changes without it is never seen."
    for number, product in enumerate(site.new(2)):
        paths = [(product.path, None), (product.page, None), (product.price, "acme")]
        tags = [tag_of(site.expect_now(path, 0, tenant), step) for path, tenant in paths]
        site.put(product, number, price_cents=77_000 + number)
        for (path, tenant), tag in zip(paths, tags, strict=True):
            headers = {"If-None-Match": tag}
            site.expect_soon(path, 1 - number, tenant)
            for at in (0, 1):
                answer = site.ask(path, at, tenant, headers=headers)
                site.expect_true(answer, path, tenant, step)
                expect(tag_of(answer, step) != tag, f"another tag than {tag}", tag, step, answer)


@requirement("etag")
def test_the_tag_of_one_tenants_price_says_nothing_to_another(site: Site) -> None:
    [product] = site.new()
    step = "Two tenants, two prices, two tags."
    tag = tag_of(site.expect_now(product.price, 0, "acme"), step)
    answer = site.ask(product.price, 0, "globex", headers={"If-None-Match": tag})
    site.expect_true(answer, product.price, "globex", step)


def tag_of(answer: Answer, step: str) -> str:
    tag = answer.headers.get("etag", "")
    quoted = tag.removeprefix("W/")
    right = len(quoted) > 2 and quoted.startswith('"') and quoted.endswith('"')
    expect(right, 'an ETag in quotes, such as "v7"', tag or "none", step, answer)
    return str(tag)


def expect_unchanged(answer: Answer, step: str) -> None:
    answer.expect(304, "the client has this very answer", step)
    expect(answer.body == b"", "no body with a 304", f"{len(answer.body)} bytes", step, answer)


# ------------------------------------------------------------------ avalanche


@requirement("avalanche")
def test_many_cold_products_never_cost_more_than_eight_calls_at_a_time(site: Site) -> None:
    products = site.new(COLD_PRODUCTS)
    mark = site.mark()
    calls = [Call("GET", product.path) for product in products]
    answers = site.ask_all(calls, at_once=COLD_CLIENTS)
    calls_made, width = site.origin.calls[mark:], site.origin.width
    refused = sum(one.refused for one in calls_made)
    most = max((one.beside for one in calls_made), default=0)
    expected = f"at most {width} calls of the origin at a time, from both replicas together"
    step = "Let calls wait for their turn: four in each of two replicas, or eight in Redis."
    expect(refused == 0, expected, f"{most} at a time; it refused {refused} with 503", step)
    for answer in answers:
        site.expect_true(answer, answer.call.path, None, step)


@requirement("avalanche")
def test_entries_that_were_made_together_do_not_end_together(new_site: Any) -> None:
    with new_site(ttl_s=TTL_S, stale_s=30) as site:
        groups = [site.new(GROUP_SIZE) for _ in range(GROUPS)]
        with site.origin.taking(0.004):
            filled_s = [fill(site, group) for group in groups]
            ended = [
                one
                for number, group in enumerate(groups)
                for one in ask_again(site, group, filled_s[number] + TTL_S * age_of(number))
            ]
    shares = shares_by_age(ended)
    steepest = max(late - early for early, late in zip(shares, shares[2:], strict=False))
    expected = f"at most {MOST_IN_A_WINDOW:.0%} of the entries to end within {WINDOW:.0%} of "
    expected += f"CACHE_TTL_S = {TTL_S:g}"
    shown = ", ".join(f"{share:.0%}" for share in shares)
    got = f"{steepest:.0%}; of entries asked for from {FIRST_AGE:.0%} of it on, had ended: {shown}"
    step = "Give each entry a lifetime of its own, some of it by chance."
    expect(shares[-1] > 0.5, "entries to end after CACHE_TTL_S", shown, step)
    expect(steepest <= MOST_IN_A_WINDOW, expected, got, step)


def age_of(group: int) -> float:
    """Return the age, as a part of CACHE_TTL_S, at which a group is asked for again."""
    return FIRST_AGE + (LAST_AGE - FIRST_AGE) * group / (GROUPS - 1)


def fill(site: Site, group: Sequence[Any]) -> float:
    """Ask for a group for the first time; return when the origin answered for it."""
    mark = site.mark()
    for answer in site.ask_all([Call("GET", one.path) for one in group], at_once=8):
        site.expect_true(answer, answer.call.path)
    ended = [one.ended_s for one in site.origin.since(mark) if one.ended_s]
    if not ended:
        raise Inconclusive("Nothing was fetched, so nothing can expire.")
    return float(statistics.median(ended))


def ask_again(site: Site, group: Sequence[Any], due_s: float) -> list[tuple[float, bool]]:
    """Ask for a group when it is due; return the age of each entry, and if it was fetched anew."""
    time.sleep(max(0.0, due_s - time.monotonic()))
    calls_before = {one.path: site.origin.since(0, target=one.path) for one in group}
    mark, asked_s = site.mark(), time.monotonic()
    site.ask_all([Call("GET", one.path) for one in group], at_once=8)
    site.origin.wait_until_quiet(quiet_s=0.1, within_s=1.0)
    anew = {one.asked.target for one in site.origin.since(mark)}
    return [
        ((asked_s - before[-1].ended_s) / TTL_S, path in anew)
        for path, before in calls_before.items()
        if before and before[-1].ended_s
    ]


def shares_by_age(ended: Sequence[tuple[float, bool]]) -> list[float]:
    """Return which share of the entries had ended, in bins of age half a window wide."""
    bins: dict[int, list[bool]] = {number: [] for number in range(GROUPS)}
    for age, anew in ended:
        number = round((age - FIRST_AGE) / (WINDOW / 2))
        bins.setdefault(min(max(number, 0), GROUPS - 1), []).append(anew)
    if any(len(one) < LEAST_IN_A_BIN for one in bins.values()):
        raise Inconclusive("The machine was too busy to ask for entries at the ages they have.")
    return [sum(one) / len(one) for one in bins.values()]
