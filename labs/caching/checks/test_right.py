"""Stage right: what the service says is what the origin knows, for everybody."""

from typing import Any

import pytest

from graders.checks import Call, expect, requirement

from .site import HEALED_WITHIN_S, Site

TENANTS = ("acme", "globex")
BAD_BODIES: list[Any] = [
    {"category": "c", "price_cents": 1},
    {"name": "n", "price_cents": 1},
    {"name": "n", "category": "c"},
    {"name": "", "category": "c", "price_cents": 1},
    {"name": "n" * 201, "category": "c", "price_cents": 1},
    {"name": "n", "category": "No Such", "price_cents": 1},
    {"name": "n", "category": "c", "price_cents": -1},
    {"name": "n", "category": "c", "price_cents": "many"},
    {"name": ["n"], "category": "c", "price_cents": 1},
    ["name", "category", "price_cents"],
    "text",
]
BAD_PATHS = (
    "/products",
    "/products?page=1",
    "/products?category=",
    "/products?category=Not%20One",
    "/products?category=a%0d%0ab",
    "/products?category=c&page=0",
    "/products?category=c&page=-1",
    "/products?category=c&page=two",
    f"/products?category={'c' * 41}",
)


# ------------------------------------------------------------------ contract


@requirement("contract")
def test_every_call_answers_what_the_origin_knows(site: Site) -> None:
    products = site.new(45)
    for at in range(2):
        step = "Pass on what the origin says, every field of it."
        site.expect_now(products[0].path, at, step=step)
        for number in (1, 2, 3, 4):
            site.expect_now(f"{products[0].page[:-1]}{number}", at, step=step)
        for tenant in TENANTS:
            site.expect_now(products[0].price, at, tenant, step)
        site.expect_now(
            f"/products/{site.word('none')}", at, step="The origin answers 404: so do you."
        )
        site.expect_now(f"/products?category={site.word('none')}&page=1", at, step=step)
        site.ask("/healthz", at).expect(200, "the service is ready")


@requirement("contract")
def test_a_write_reaches_the_origin(site: Site) -> None:
    [product] = site.new()
    answer = site.put(product, name='Ünï "code" <b>', price_cents=0)
    written = site.now(product)
    expect(
        written.version > product.version and written.name == 'Ünï "code" <b>',
        "the origin to have the new product",
        f"{written}; the PUT was answered {answer}",
        "Write through: the origin first, and as it was sent.",
        answer,
    )
    body = answer.json()
    expect(body == vars(written), f"{vars(written)} in the answer", body, "", answer)
    site.expect_now(product.path)
    created = f"/products/{site.word('p')}"
    fields = {"name": "New", "category": product.category, "price_cents": 5}
    site.app.put(created, json=fields).expect({200, 201}, "PUT also creates")
    site.expect_now(created)
    site.delete(product)
    expect(product.id not in site.catalogue.products, "it to be gone at the origin", "it is there")
    site.expect_now(product.path)
    again = site.app.delete(product.path)
    again.expect(404, "there is no such product any more")


@requirement("contract")
def test_bad_input_is_refused_and_does_not_reach_the_origin(site: Site) -> None:
    [product] = site.new()
    mark = site.mark()
    calls = [Call("PUT", product.path, body) for body in BAD_BODIES]
    calls += [Call("PUT", product.path, content=text) for text in ("", "{", "nothing", b"\xff\xfe")]
    calls += [Call("GET", path) for path in BAD_PATHS]
    calls += [Call("GET", product.price), Call("GET", product.price, headers={"X-Tenant": ""})]
    for answer in site.ask_all(calls, at_once=4):
        right = 400 <= answer.status < 500
        step = "Look at what comes in before you pass it on."
        expect(right, "a refusal, 400 or 422", f"{answer}{site.remark()}", step, answer)
    reached = site.origin.calls[mark:]
    asked = [f"{one.key} {one.asked.body[:80]!r}" for one in reached]
    step = "What can't be right needs no call of 60 ms to be found out."
    expect(reached == [], "no call of the origin", asked, step)
    site.expect_now(product.path, step="A refused write changes nothing.")


# ------------------------------------------------------------------ tenants


@requirement("tenant-isolation")
def test_each_tenant_gets_its_own_price_whoever_asked_before(site: Site) -> None:
    step = "Whose answer is it? The tenant belongs into the key, and into everything like a key."
    for product in site.new(4):
        for at in range(2):
            for tenant in (*TENANTS, *reversed(TENANTS)):
                site.expect_now(product.price, at, tenant, step)
        site.expect_now(product.path, step=step)


@requirement("tenant-isolation")
def test_two_tenants_who_ask_at_once_do_not_share_an_answer(site: Site) -> None:
    step = "Who waits for somebody else's fetch must have asked for the same: tenant included."
    for product in site.new(4):
        calls = [
            Call("GET", product.price, headers={"X-Tenant": tenant})
            for tenant in TENANTS
            for _ in range(10)
        ]
        site.rng.shuffle(calls)
        for answer in site.ask_all(calls, at_once=len(calls)):
            site.expect_true(answer, product.price, answer.call.headers["X-Tenant"], step)


@requirement("tenant-isolation")
def test_names_that_read_alike_when_joined_are_kept_apart(site: Site) -> None:
    stem = site.word("p")
    ids = [f"1{stem}", stem]
    for number, product_id in enumerate(ids):
        site.catalogue.put(product_id, "Alike", site.word("c"), 1000 * (number + 1))
    step = "Join the parts of a key with something that can't occur in them."
    for at in range(2):
        site.expect_now(f"/products/{ids[0]}/price", at, "acme", step)
        site.expect_now(f"/products/{ids[1]}/price", at, "acme1", step)


@requirement("tenant-isolation")
def test_caches_outside_are_told_that_the_price_depends_on_the_tenant(site: Site) -> None:
    [product] = site.new()
    answer = site.expect_now(product.price, 0, "acme")
    varies = "x-tenant" in answer.headers.get("vary", "").lower()
    control = answer.headers.get("cache-control", "").lower()
    step = "A shared cache on the way goes by the URL unless you say more."
    got = f"Vary: {answer.headers.get('vary')}, Cache-Control: {control or None}"
    kept_out = "private" in control or "no-store" in control
    expect(varies or kept_out, "Vary: X-Tenant, or Cache-Control: private", got, step, answer)


# ------------------------------------------------------------------ errors


@requirement("error-not-cached")
@pytest.mark.parametrize("trouble", ["500", "503", "hangs up"])
def test_an_error_of_the_origin_is_gone_when_the_origin_is_well(site: Site, trouble: str) -> None:
    products = site.new(2)
    paths = [(products[0].path, None), (products[1].page, None), (products[1].price, "acme")]
    failing = site.origin.hanging_up() if trouble == "hangs up" else None
    with failing or site.origin.answering(int(trouble)):
        for path, tenant in paths:
            for at in range(2):
                answer = site.ask(path, at, tenant)
                step = "Nobody has seen this yet: there is nothing to answer with."
                expect(answer.status >= 500, "a 5xx: the origin fails", answer, step, answer)
    step = "An error is no answer: keep it for nobody, or for a moment."
    for path, tenant in paths:
        for at in range(2):
            site.expect_soon(path, at, tenant, step, HEALED_WITHIN_S)
    site.expect_lasting(paths, step)


@requirement("error-not-cached")
def test_an_error_met_by_many_at_once_is_gone_as_well(site: Site) -> None:
    [product] = site.new()
    with site.origin.answering(500):
        answers = site.ask_all([Call("GET", product.path)] * 20, at_once=20)
        served = [one for one in answers if one.status == 200]
        expect(served == [], "no 200 while the origin fails", [str(one) for one in served])
    step = "Those who waited for a fetch that failed must not leave its failure behind."
    for at in range(2):
        site.expect_soon(product.path, at, None, step, HEALED_WITHIN_S)
