"""Stage basics: what the contract promises about making and following links."""

import random
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graders.checks import App, expect, requirement

Create = Callable[..., dict[str, Any]]
Follow = Callable[..., None]
NewUrl = Callable[[], str]

BASE62 = string.digits + string.ascii_letters
BASE_URL = "http://sho.rt"  # as lab.toml sets it
ODD_PATHS = ["%00", "%FF%FE", "x" * 300, "'%20OR%20'1'='1", "..%2F..%2Fetc", "%F0%9F%92%A9"]

EXACT_URLS = {
    "query": "https://example.com/search?q=a+b&q={x}&empty=&flag",
    "fragment": "https://example.com/{x}#section-2/3?not=a-query",
    "host without a path": "https://{x}.example.com",
    "upper-case host": "http://EXAMPLE.com/{x}",
    "default port": "http://example.com:80/{x}",
    "percent-escapes": "https://example.com/a%2Fb%20c/%e4%C3%A4?next=https%3A%2F%2Fx.org%2F%3Fq%3D{x}",
    "dot segments": "https://example.com/a/../b//{x}/./",
    "punctuation": "https://example.com/{x};p=1/(a)*!,~$'@:?a[]=1&b=:/?@",
    "unicode": "https://example.com/smörgåsbord/{x}?q=日本語#größe",
    "upper-case scheme": "HTTPS://example.com/{x}",
}


@requirement("creates-and-redirects")
def test_a_created_link_is_described_as_the_contract_says(
    app: App, create: Create, new_url: NewUrl
) -> None:
    url = new_url()
    link = create(app, url)
    code = link["code"]
    step = "Compare the body with the contract's table of calls."
    plain = len(code) == 7 and set(code) <= set(BASE62)
    expect(plain, "a generated code of 7 base62 characters (CODE_LENGTH is 7)", code, step)
    expect(link.get("url") == url, f'"url" is {url}', link.get("url"), step)
    short_url = f"{BASE_URL}/{code}"
    expect(link.get("short_url") == short_url, f'"short_url" is {short_url}', link, step)
    never = "expires_at" in link and link["expires_at"] is None
    expect(never, '"expires_at" is null: this link never expires', link, step)
    expect_just_now(link.get("created_at"))


def expect_just_now(text: object) -> None:
    try:
        moment = datetime.fromisoformat(str(text))
        near = abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    except (ValueError, TypeError):
        near = False
    step = "datetime.now(timezone.utc).isoformat() has both the right time and the zone."
    expect(near, '"created_at" is now, in ISO 8601 with a zone', text, step)


@requirement("creates-and-redirects")
@pytest.mark.parametrize("template", EXACT_URLS.values(), ids=EXACT_URLS)
def test_a_link_leads_to_exactly_the_url_that_was_sent(
    app: App, create: Create, follow: Follow, rng: random.Random, template: str
) -> None:
    url = template.replace("{x}", f"{rng.getrandbits(48):x}")
    link = create(app, url)
    step = "Keep the text that was sent; parsing and printing a URL again changes it."
    expect(link.get("url") == url, f'"url" in the 201 is {url}', link.get("url"), step)
    follow(app, link["code"], url, step)


@requirement("creates-and-redirects")
@pytest.mark.parametrize("length", [2000, 2048])
def test_a_long_url_comes_back_whole(
    app: App, create: Create, follow: Follow, new_url: NewUrl, rng: random.Random, length: int
) -> None:
    start = new_url() + "&long="
    url = start + "".join(rng.choices(BASE62, k=length - len(start)))
    link = create(app, url)
    follow(app, link["code"], url, f"URLs of up to 2,048 characters are valid; this has {length}.")


@requirement("creates-and-redirects")
def test_a_link_can_be_read_back_without_following_it(
    app: App, create: Create, new_url: NewUrl
) -> None:
    url = new_url()
    link = create(app, url)
    answer = app.get(f"/api/links/{link['code']}")
    answer.expect(200, "the link exists")
    wanted = {**link, "clicks": 0}
    got = answer.json()
    step = "GET /api/links/{code} has the fields of the 201 and the clicks, here 0."
    expect({**got, **wanted} == got, f"a JSON object with {wanted}", got, step, answer)


@requirement("creates-and-redirects")
def test_head_answers_like_get_without_a_body(
    app: App, create: Create, expect_redirect: Callable[..., None], new_url: NewUrl
) -> None:
    url = new_url()
    code = create(app, url)["code"]
    answer = app.request("HEAD", f"/{code}")
    step = "Link previews and link checkers ask with HEAD; route it to the same function."
    expect_redirect(answer, code, url, step)


@requirement("unknown-code-404")
@pytest.mark.parametrize("call", ["GET /", "GET /api/links/", "DELETE /api/links/"])
def test_a_code_never_given_out_answers_404(app: App, rng: random.Random, call: str) -> None:
    method, path = call.split()
    for length in (1, 7, 7, 12, 64):
        code = "".join(rng.choices(BASE62, k=length))
        answer = app.request(method, path + code)
        answer.expect(404, f"{code} was never given out")
        expect("location" not in answer.headers, "no Location", answer.headers, "", answer)


@requirement("unknown-code-404")
@pytest.mark.parametrize("odd", ODD_PATHS)
def test_a_code_that_cannot_exist_is_no_server_error(app: App, odd: str) -> None:
    why = "no code looks like this, so it was never given out; 400, 414 and 422 are accepted"
    step = "Check the form of a code before you hand it to the database."
    app.get(f"/{odd}").expect({404, 400, 414, 422}, why, step)


@requirement("unknown-code-404")
def test_a_404_is_not_remembered_once_the_code_exists(
    app: App, create: Create, follow: Follow, new_url: NewUrl, new_alias: NewUrl
) -> None:
    alias, url = new_alias(), new_url()
    for _ in range(3):
        app.get(f"/{alias}").expect(404, "the alias was not given out yet")
    create(app, url, alias=alias)
    follow(app, alias, url, "If you cache unknown codes, creating the link must undo that.")


@requirement("case-sensitive-codes")
def test_aliases_that_differ_only_in_case_are_two_links(
    app: App, create: Create, follow: Follow, new_url: NewUrl, rng: random.Random
) -> None:
    letters = rng.choices(string.ascii_lowercase, k=10)
    one = "".join(letters[:5]).upper() + "".join(letters[5:])
    two = one.swapcase()
    urls = {one: new_url(), two: new_url()}
    for alias, url in urls.items():
        create(app, url, alias=alias)
    step = "Compare codes byte by byte: no lower(), no citext, no case-insensitive collation."
    for alias, url in urls.items():
        follow(app, alias, url, step)
    app.get(f"/{one.lower()}").expect(404, f"only {one} and {two} exist", step)


@requirement("case-sensitive-codes")
def test_deleting_a_link_spares_the_one_in_the_other_case(
    app: App, create: Create, follow: Follow, new_url: NewUrl, rng: random.Random
) -> None:
    one = "".join(rng.choices(string.ascii_lowercase, k=12)) + "X"
    url = new_url()
    create(app, new_url(), alias=one)
    create(app, url, alias=one.swapcase())
    app.delete(f"/api/links/{one}").expect(204, "the link exists")
    follow(app, one.swapcase(), url, f"Only {one} was deleted, not {one.swapcase()}.")


@requirement("case-sensitive-codes")
def test_a_generated_code_is_unknown_in_the_other_case(
    app: App, create: Create, new_url: NewUrl
) -> None:
    codes = [create(app, new_url())["code"] for _ in range(5)]
    swapped = [code.swapcase() for code in codes if code.swapcase() not in codes]
    expect(swapped != [], "codes with letters in them", codes)
    for code in swapped:
        app.get(f"/{code}").expect(404, f"{code.swapcase()} exists, {code} does not")
