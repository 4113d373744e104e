"""Stage fast: one key for one question, one tag for one answer."""

import pytest

from graders.checks import Answer, expect, requirement

from .site import Site

SPELLINGS_CALLS = 2
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
