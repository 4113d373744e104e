"""Stage basics: which URLs and aliases are refused, and that a refusal leaves no trace."""

import random
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from graders.checks import Answer, App, expect, requirement

Create = Callable[..., dict[str, Any]]
Follow = Callable[..., None]
LeadsTo = Callable[[Answer, str], bool]
NewUrl = Callable[[], str]

BAD_URLS = {
    "javascript": "javascript:alert({x})//https://example.com/",
    "javascript in mixed case": "JaVaScRiPt:alert({x})",
    "data": "data:text/html,<script>alert({x})</script>",
    "ftp": "ftp://example.com/{x}",
    "file": "file:///etc/passwd?{x}",
    "no scheme": "example.com/{x}",
    "scheme left to the browser": "//example.com/{x}",
    "path only": "/{x}",
    "no host": "http:///{x}",
    "no host, only a query": "https://?{x}",
    "no host, only a port": "http://:80/{x}",
    "no slashes": "http:example.com/{x}",
    "scheme only": "https://",
    "CRLF": "https://example.com/{x}\r\nSet-Cookie: admin=1",
    "line feed": "https://example.com/{x}\nX-Evil: 1",
    "line feed at the end": "https://example.com/{x}\n",
    "tab": "https://exam\tple.com/{x}",
    "NUL": "https://example.com/{x}\x00",
    "DEL": "https://example.com/{x}\x7f",
    "space inside": "https://example.com/{x} y",
    "space before": " https://example.com/{x}",
    "space after": "https://example.com/{x} ",
    "2,049 characters": "https://example.com/{x}" + "a" * (2049 - 32),  # {x} becomes 12 characters
    "empty": "",
    "itself": "http://sho.rt/{x}",
    "itself, root": "http://sho.rt",
    "itself in upper case": "HTTP://SHO.RT/{x}",
    "itself with its port": "http://sho.rt:80/{x}",
}
LOOK_ALIKES = [
    "http://sho.rt.example.com/{x}",
    "http://notsho.rt/{x}",
    "https://example.com/?u=http://sho.rt/{x}",
    "https://example.com/javascript:{x}",
]
BAD_ALIASES = {
    "empty": "",
    "65 characters": "x" * 65,
    "space": "two words{x}",
    "slash": "a/{x}",
    "dot": "a.{x}",
    "percent-escape": "%41{x}",
    "accented letter": "é{x}",
    "digits that are not 0-9": "١٢٣{x}",
    "line feed at the end": "{x}\n",
    "NUL": "{x}\x00",
    "a number": 1234567,
}
RESERVED = ["api", "healthz", "docs", "redoc", "openapi.json", "favicon.ico", "robots.txt"]


def expect_refused(answer: Answer, field: str, why: str) -> None:
    answer.expect(422, why, f"Validate {field} before anything is stored.")
    answer.json()
    step = f"Say in the body which field is wrong: the word {field!r} must occur in it."
    expect(field in answer.text, f"a body that names {field!r}", answer.text[:300], step, answer)


@requirement("rejects-bad-urls")
@pytest.mark.parametrize("template", BAD_URLS.values(), ids=BAD_URLS)
def test_a_bad_url_is_refused_and_leaves_no_link(
    app: App, new_alias: NewUrl, rng: random.Random, template: str
) -> None:
    url, alias = template.replace("{x}", f"{rng.getrandbits(48):012x}"), new_alias()
    answer = app.post("/api/links", json={"url": url, "alias": alias})
    expect_refused(answer, "url", f"{url[:80]!r} is no web address of another host")
    app.get(f"/{alias}").expect(404, "a refused request must leave nothing behind")


@requirement("rejects-bad-urls")
@pytest.mark.parametrize("body", [{}, {"url": None}, {"url": 7}, {"url": ["https://example.com/"]}])
def test_a_url_that_is_no_text_is_refused(app: App, body: dict[str, Any]) -> None:
    expect_refused(app.post("/api/links", json=body), "url", "url must be given, as text")


@requirement("rejects-bad-urls")
@pytest.mark.parametrize("template", LOOK_ALIKES)
def test_a_url_that_only_looks_bad_is_accepted(
    app: App, create: Create, follow: Follow, rng: random.Random, template: str
) -> None:
    url = template.replace("{x}", f"{rng.getrandbits(48):x}")
    link = create(app, url)
    follow(app, link["code"], url, "Judge the parsed scheme and host, not pieces of the text.")


@requirement("alias")
@pytest.mark.parametrize("length", [1, 7, 64])
def test_an_alias_becomes_the_code(
    app: App, create: Create, follow: Follow, new_url: NewUrl, rng: random.Random, length: int
) -> None:
    alias = "".join(rng.choices(string.ascii_letters + string.digits + "_-", k=length))
    url = new_url()
    link = create(app, url, alias=alias)
    expect(link["code"] == alias, f'"code" is the alias, {alias}', link["code"])
    short_url = f"http://sho.rt/{alias}"
    expect(link.get("short_url") == short_url, f'"short_url" is {short_url}', link)
    follow(app, alias, url)


@requirement("alias")
def test_a_null_alias_means_none(app: App, create: Create, follow: Follow, new_url: NewUrl) -> None:
    url = new_url()
    link = create(app, url, alias=None)
    expect(len(link["code"]) == 7, "a generated code of 7 characters", link["code"])
    follow(app, link["code"], url)


@requirement("alias")
@pytest.mark.parametrize("template", BAD_ALIASES.values(), ids=BAD_ALIASES)
def test_a_bad_alias_is_refused_and_leaves_no_link(
    app: App, new_url: NewUrl, leads_to: LeadsTo, rng: random.Random, template: str | int
) -> None:
    alias = template
    if isinstance(template, str):
        alias = template.replace("{x}", f"{rng.getrandbits(24):x}")
    url = new_url()
    answer = app.post("/api/links", json={"url": url, "alias": alias})
    expect_refused(answer, "alias", f"{alias!r} is not 1 to 64 of A-Z a-z 0-9 _ -")
    after = app.get(f"/{quote(str(alias), safe='')}")
    step = "A refused request must leave nothing behind."
    expect(not leads_to(after, url), "no link was made", f"it leads to {url}", step, after)


@requirement("alias-conflict-409")
def test_a_taken_alias_stays_with_its_first_owner(
    app: App, create: Create, follow: Follow, new_url: NewUrl, new_alias: NewUrl
) -> None:
    alias, first = new_alias(), new_url()
    create(app, first, alias=alias)
    for url in (new_url(), first):
        answer = app.post("/api/links", json={"url": url, "alias": alias})
        answer.expect(409, f"{alias} is taken, whatever the URL")
    follow(app, alias, first, "The second request must not change the first link.")


@requirement("alias-conflict-409")
def test_a_generated_code_cannot_be_taken_as_alias(
    app: App, create: Create, follow: Follow, new_url: NewUrl
) -> None:
    first = new_url()
    code = create(app, first)["code"]
    answer = app.post("/api/links", json={"url": new_url(), "alias": code})
    answer.expect(409, f"{code} was generated for another link; codes and aliases share one space")
    follow(app, code, first, "The second request must not change the first link.")


@requirement("alias-conflict-409")
def test_after_a_conflict_another_alias_works(
    app: App, create: Create, follow: Follow, new_url: NewUrl, new_alias: NewUrl
) -> None:
    alias = new_alias()
    create(app, new_url(), alias=alias)
    for _ in range(12):  # more than the connections of a pool
        app.post("/api/links", json={"url": new_url(), "alias": alias}).expect(409, "it is taken")
    url, other = new_url(), new_alias()
    create(app, url, alias=other)
    follow(app, other, url, "A failed INSERT must be rolled back and its connection given back.")


@requirement("reserved-aliases")
@pytest.mark.parametrize("name", RESERVED)
def test_a_route_of_the_service_cannot_be_an_alias(
    app: App, new_url: NewUrl, leads_to: LeadsTo, name: str
) -> None:
    url = new_url()
    answer = app.post("/api/links", json={"url": url, "alias": name})
    answer.expect({422, 409}, f"/{name} belongs to the service", "Keep a list of reserved names.")
    after = app.get(f"/{name}")
    expect(not leads_to(after, url), f"/{name} is no link", f"it leads to {url}", "", after)


@requirement("reserved-aliases")
def test_the_routes_work_after_somebody_tried_to_shadow_them(
    app: App, create: Create, follow: Follow, new_url: NewUrl
) -> None:
    for name in RESERVED:
        answer = app.post("/api/links", json={"url": new_url(), "alias": name})
        expect(answer.status < 500, "a refusal, no server error", answer.status, "", answer)
    app.get("/healthz").expect(200, "the service is still healthy")
    url = new_url()
    code = create(app, url)["code"]
    app.get(f"/api/links/{code}").expect(200, "the API still answers")
    follow(app, code, url)
