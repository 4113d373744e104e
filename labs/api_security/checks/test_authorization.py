"""Stage authorization: other people's objects, fields and functions."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from graders.checks import Answer, App, Call, expect, requirement

NoLeak = Callable[..., None]
Unchanged = Callable[..., None]


@pytest.fixture(scope="session")
def keyed(api: App, rival: Any) -> Callable[..., Answer]:
    """Ask with the attacker's own API key."""
    headers = {"X-Api-Key": rival.api_key["key"]}
    return lambda method, path, **options: api.request(method, path, headers=headers, **options)


def reads(own: Any) -> list[str]:
    """Return every path that shows something of an organisation's."""
    paths = [f"/v2/webhooks/{own.webhook}", f"/v2/api-keys/{own.api_key['id']}"]
    for person in (own.admin, own.viewer):
        paths.append(f"/v2/users/{person.id}")
    for invoice in own.invoices:
        base = f"/v2/invoices/{invoice}"
        paths += [
            base,
            f"{base}/payments",
            f"{base}/attachments",
            f"{base}/attachments/contract.txt",
        ]
    org = own.id
    paths += [f"/v2/invoices?organisation_id={org}", f"/v2/users?organisation_id={org}"]
    paths += [
        f"/v2/audit?organisation_id={org}",
        f"/v2/invoices?q={own.marks[0][:4]}&page_size=100",
    ]
    return paths


@requirement("bola")
def test_nobody_reads_what_another_organisation_owns(
    api: App, acme: Any, rival: Any, keyed: Callable[..., Answer], expect_no_leak: NoLeak
) -> None:
    paths = reads(acme)
    own = rival.admin.get(reads(rival)[4])
    expect(rival.marks[0] in own.text, "the attacker to read an invoice of their own", own)
    for path in paths:
        expect_no_leak(rival.admin.get(path), acme.marks, "another organisation's")
        expect_no_leak(rival.viewer.get(path), acme.marks, "another organisation's")
        expect_no_leak(keyed("GET", path), acme.marks, "another organisation's")
        expect_no_leak(api.get(path), acme.marks, "anybody's, without a login")


@requirement("bola")
def test_nobody_reads_another_organisations_invoices_in_bulk(
    acme: Any, rival: Any, keyed: Callable[..., Answer], expect_no_leak: NoLeak
) -> None:
    body = {"action": "get", "ids": [rival.invoices[0], *acme.invoices]}
    answers = [rival.admin.post("/v2/invoices/bulk", json=body)]
    answers.append(keyed("POST", "/v2/invoices/bulk", json=body))
    for answer in answers:
        expect_no_leak(answer, acme.marks, "another organisation's")


def writes(own: Any, make: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield every request that would change something of an organisation's."""
    first, user = own.invoices[0], own.viewer.id
    base = f"/v2/invoices/{first}"
    yield "PATCH", base, {"note": "changed by a stranger"}
    yield "PUT", base, make.invoice()
    yield "PATCH", f"/v2/invoices/{own.invoices[1]}", {"customer": "Stranger"}
    yield "POST", f"{base}/payments", {"amount_cents": 500}
    yield "PATCH", f"/v2/users/{user}", {"role": "admin"}
    yield "PATCH", f"/v2/users/{user}", {"name": "Stranger"}
    yield "DELETE", f"/v2/webhooks/{own.webhook}", None
    yield "POST", f"/v2/webhooks/{own.webhook}/test", {}
    yield "DELETE", f"/v2/api-keys/{own.api_key['id']}", None
    yield "DELETE", f"/v2/users/{user}", None
    yield "DELETE", f"/v2/invoices/{own.invoices[2]}", None
    yield "POST", "/v2/invoices/bulk", {"action": "delete", "ids": own.invoices[1:]}


@requirement("bola")
def test_nobody_changes_what_another_organisation_owns(
    victim: Any, rival: Any, make: Any, world: Any, picture: Any, expect_unchanged: Unchanged
) -> None:
    before, delivered = picture(victim), len(world.delivered)
    for method, path, body in writes(victim, make):
        headers = {"Idempotency-Key": make.word("key-")}
        answer = rival.admin.ask(method, path, json=body, headers=headers)
        if answer.status < 400:  # the others are looked at together: most change nothing
            expect_unchanged(victim, before, answer)
    expect_unchanged(victim, before, answer)
    sent = len(world.delivered) - delivered
    expect(sent == 0, "no event sent to the victim's webhook", f"{sent} events")


@requirement("bola")
def test_nobody_attaches_files_to_another_organisations_invoice(
    victim: Any, rival: Any, picture: Any, expect_unchanged: Unchanged
) -> None:
    before = picture(victim)
    for name in ("contract.txt", "new.txt"):
        path = f"/v2/invoices/{victim.invoices[0]}/attachments?name={name}"
        answer = rival.admin.post(path, content=b"by a stranger")
        expect_unchanged(victim, before, answer)


EXTRAS: dict[str, Any] = {
    "role": "admin", "is_staff": True, "is_admin": True, "staff": True, "admin": True,
    "email_verified": True, "scopes": ["*"],
}  # fmt: skip


@requirement("mass-assignment")
def test_nobody_gives_themselves_rights(api: App, acme: Any, make: Any) -> None:
    ann = make.person(api)
    bob = make.colleague(ann, "viewer")
    before = bob.get("/v2/me").text
    for person in (bob, ann):
        for extra, value in {**EXTRAS, "organisation_id": acme.id}.items():
            answer = person.patch("/v2/me", json={"name": "Ann Example", extra: value})
            if answer.status < 400:
                expect_no_rights(person, acme, answer)
        expect_no_rights(person, acme, answer)
    expect(
        '"viewer"' in bob.get("/v2/me").text, f"Bob to be who he was: {before}", bob.get("/v2/me")
    )
    for extra, value in {"is_staff": True, "organisation_id": acme.id}.items():
        answer = ann.patch(f"/v2/users/{bob.id}", json={"name": "Bob", extra: value})
        expect_no_rights(bob, acme, answer)


def expect_no_rights(person: Any, acme: Any, answer: Answer) -> None:
    """Demand that somebody is no staff, and no member of another organisation."""
    seen = person.get("/v2/admin/organisations")
    expect(
        '"items"' not in seen.text,
        "no view of the staff area",
        f"{seen}, after {answer}",
        "",
        answer,
    )
    me = person.get("/v2/me").json()
    got = f"{me}, after {answer}"
    expect(me.get("organisation_id") != acme.id, "the same organisation as before", got, "", answer)


@requirement("mass-assignment")
def test_nobody_registers_with_rights(api: App, acme: Any, make: Any) -> None:
    ann = make.person(api)
    for extra, value in {**EXTRAS, "organisation_id": acme.id}.items():
        made = [f"{make.word('u')}@example.com" for _ in range(2)]
        body = {"name": "Eve", "password": make.password(), extra: value}
        first = api.post(
            "/v2/auth/register", json={**body, "email": made[0], "organisation": make.word("Org ")}
        )
        person = {**body, "email": made[1], "role": body.get("role", "viewer")}
        second = ann.post("/v2/users", json=person)
        for email, answer in zip(made, (first, second), strict=True):
            got = api.post("/v2/auth/login", json={"email": email, "password": body["password"]})
            if got.status != 200:
                continue
            eve = type(ann)(api, None, email, body["password"], "", got.json()["access_token"])
            expect_no_rights(eve, acme, answer)
    expect(ann.works(), "an honest user to be there still", ann.get("/v2/me"))


@requirement("mass-assignment")
def test_an_invoice_is_not_paid_or_moved_by_writing_so(
    api: App, victim: Any, make: Any, fields: Any, picture: Any, expect_unchanged: Unchanged
) -> None:
    ann, before = make.person(api), picture(victim)
    extras: dict[str, Any] = {
        "status": "paid", "paid_cents": 25_000, "total_cents": 1, "organisation_id": victim.id,
        "id": victim.invoices[0], "created_by": victim.admin.id,
    }  # fmt: skip
    for extra, value in extras.items():
        ann.post("/v2/invoices", json=make.invoice(**{extra: value}))
        body = make.invoice()
        invoice = fields(ann.post("/v2/invoices", json=body), "id")["id"]
        path = f"/v2/invoices/{invoice}"
        answer = ann.patch(path, json={"note": body["note"], extra: value})
        got = fields(ann.get(path).expect(200, "the invoice is theirs still"), "status")
        kept = {one: got.get(one) for one in ("status", "paid_cents", "total_cents", "created_by")}
        wanted = {"status": "open", "paid_cents": 0, "total_cents": 25_000, "created_by": ann.id}
        expect(kept == wanted, f"{wanted}, whatever is written", kept, "", answer)
    for one in fields(ann.get("/v2/invoices?page_size=100"), "items")["items"]:
        kept = (one["status"], one["paid_cents"], one["total_cents"])
        expect(kept == ("open", 0, 25_000), "open, nothing paid, 25000 in total", one)
    expect_unchanged(victim, before, None)


SECRET_FIELDS = re.compile(
    r'"[a-z_]*(?:password|passwd|hash|secret|salt|token_version|reset)[a-z_]*"\s*:', re.IGNORECASE
)
HASHES = re.compile(r"\$argon2|\$2[aby]\$\d\d\$|scrypt[:$]|pbkdf2")


@requirement("data-exposure")
def test_no_answer_shows_how_passwords_and_keys_are_kept(acme: Any, staff: Any) -> None:
    invoice = acme.invoices[0]
    paths = ["/v2/me", "/v2/users", f"/v2/users/{acme.viewer.id}", "/v2/invoices", "/v2/webhooks"]
    paths += [f"/v2/invoices/{invoice}", f"/v2/invoices/{invoice}/payments", "/v2/audit"]
    paths += [f"/v2/invoices/{invoice}/attachments", "/v2/api-keys"]
    answers = [person.get(path) for person in (acme.admin, acme.viewer) for path in paths]
    answers += [
        staff.get("/v2/admin/organisations"),
        acme.admin.patch("/v2/me", json={"name": "A"}),
    ]
    body = {"action": "get", "ids": acme.invoices}
    answers.append(acme.member.post("/v2/invoices/bulk", json=body))
    role = {"role": acme.viewer.role}
    answers.append(acme.admin.patch(f"/v2/users/{acme.viewer.id}", json=role))
    for answer in answers:
        found = SECRET_FIELDS.search(answer.text) or HASHES.search(answer.text)
        got = f"{found[0]!r} in {answer}" if found else ""
        expect(not found, "no password, hash or secret in an answer", got, "", answer)
        key = acme.api_key["key"] in answer.text
        expect(not key, "an API key to be shown once, when it is made", answer, "", answer)


@requirement("data-exposure")
def test_new_accounts_are_answered_without_their_secrets(api: App, make: Any) -> None:
    ann, password = make.person(api), make.password()
    body = {"email": f"{make.word('u')}@example.com", "password": password, "name": "Bob"}
    answers = [
        ann.post("/v2/users", json={**body, "role": "viewer"}),
        api.post(
            "/v2/auth/register", json={**body, "email": f"x{body['email']}", "organisation": "O"}
        ),
        api.post("/v2/auth/forgot", json={"email": body["email"]}),
        ann.post("/v2/users", json={**body, "role": "viewer", "name": 7}),
    ]
    for answer in answers:
        shown = [one for one in (password, '"token') if one in answer.text]
        found = HASHES.search(answer.text) or SECRET_FIELDS.search(answer.text)
        got = f"{shown or found} in {answer}"
        expect(not shown and not found, "no secret in the answer", got, "", answer)


@requirement("data-exposure")
def test_tax_ids_are_for_those_who_write_invoices(
    api: App, acme: Any, expect_no_leak: NoLeak
) -> None:
    paths = [f"/v2/invoices/{one}" for one in acme.invoices]
    paths += ["/v2/invoices", "/v2/invoices?sort=customer&page_size=100", "/v2/audit"]
    paths += [f"/v2/invoices?q={acme.tax_ids[0]}"]
    for path in paths:
        expect_no_leak(acme.viewer.get(path), acme.tax_ids, "the whole tax ids, for a viewer")
        answer = api.get(path, headers={"X-Api-Key": acme.api_key["key"]})
        expect_no_leak(answer, acme.tax_ids, "the whole tax ids, for an API key")
    body = {"action": "get", "ids": acme.invoices}
    answer = acme.viewer.post("/v2/invoices/bulk", json=body)
    expect_no_leak(answer, acme.tax_ids, "the whole tax ids, for a viewer")
    whole = acme.member.get(paths[0])
    expect(acme.tax_ids[0] in whole.text, "the whole tax id for a member", whole, "", whole)


def low_role_attacks(own: Any, make: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield what only members and admins may do."""
    yield from writes(own, make)
    yield "POST", "/v2/users", {
        "email": f"{make.word('u')}@example.com", "name": "Eve",
        "password": make.password(), "role": "admin",
    }  # fmt: skip
    yield "POST", "/v2/webhooks", {"url": "http://hooks.example.com/eve"}
    yield "POST", "/v2/api-keys", {"name": "eve"}
    yield "POST", "/v2/invoices", make.invoice(note=make.word("by a viewer "))
    yield "PATCH", f"/v2/users/{own.member.id}", {"role": "admin"}


@requirement("function-level-authorization")
def test_viewers_and_keys_change_nothing(
    api: App, make: Any, world: Any, picture: Any, expect_unchanged: Unchanged
) -> None:
    own = make.organisation(api)
    before, delivered = picture(own), len(world.delivered)
    key = {"X-Api-Key": own.api_key["key"]}
    for method, path, body in low_role_attacks(own, make):
        extra = {"Idempotency-Key": make.word("key-")}
        for headers in (own.viewer.headers, key):
            answer = api.request(method, path, json=body, headers={**headers, **extra})
            if answer.status < 400:  # the others are looked at together: most change nothing
                expect_unchanged(own, before, answer)
    attach = f"/v2/invoices/{own.invoices[0]}/attachments?name=contract.txt"
    for headers in (own.viewer.headers, key):
        answer = api.post(attach, content=b"by a viewer", headers=headers)
        expect_unchanged(own, before, answer)
    sent = len(world.delivered) - delivered
    expect(sent == 0, "no event sent on the word of a viewer", f"{sent} events")


@requirement("function-level-authorization")
def test_members_are_no_admins(
    api: App, make: Any, picture: Any, expect_unchanged: Unchanged, expect_no_leak: NoLeak
) -> None:
    own = make.organisation(api)
    before = picture(own)
    admins_only = ("/v2/users", "/v2/webhooks", "/v2/api-keys")
    for method, path, body in low_role_attacks(own, make):
        if path.startswith(admins_only):
            answer = own.member.ask(method, path, json=body)
            if answer.status < 400:
                expect_unchanged(own, before, answer)
    expect_unchanged(own, before, answer)
    emails = [own.admin.email, own.viewer.email]
    for person in (own.member, own.viewer):
        for path in (*admins_only, "/v2/audit"):
            others = [one for one in (*emails, *own.marks[-6:]) if one != person.email]
            expect_no_leak(person.get(path), others, f"what only admins see, for a {person.role}")
    for path in (*admins_only, "/v2/audit", "/v2/me", f"/v2/invoices/{own.invoices[0]}/payments"):
        answer = api.get(path, headers={"X-Api-Key": own.api_key["key"]})
        expect_no_leak(answer, emails, "what a key is not for")
        expect('"amount_cents"' not in answer.text, "no payments for a key", answer, "", answer)


@requirement("function-level-authorization")
def test_the_staff_area_is_for_staff(api: App, victim: Any, rival: Any) -> None:
    path = f"/v2/admin/organisations/{victim.id}/suspend"
    for ask in (rival.admin.ask, rival.viewer.ask, api.request):
        seen = ask("GET", "/v2/admin/organisations")
        expect('"items"' not in seen.text, "no list of organisations", seen, "", seen)
        answer = ask("POST", path, json={"suspended": True})
        working = victim.admin.get("/v2/me")
        expect(
            victim.admin.email in working.text,
            "the other organisation to work on",
            answer,
            "",
            answer,
        )


OLD = ("/v1", "/api/v1", "/v0", "/internal", "")


@requirement("old-version-closed")
def test_old_versions_show_and_change_nothing(
    api: App, victim: Any, rival: Any, make: Any, picture: Any, expect_unchanged: Unchanged,
    expect_no_leak: NoLeak,
) -> None:  # fmt: skip
    before = picture(victim)
    tails = [path.removeprefix("/v2") for path in reads(victim)]
    tails += ["/invoices", "/users", "/export", "/invoices/export", "/admin/organisations"]
    tails += ["/debug", "/debug/config", "/status", "/webhooks", "/audit"]
    calls = [
        Call("GET", prefix + tail, headers=headers)
        for prefix in OLD
        for tail in tails
        for headers in (rival.admin.headers, {})
    ]
    for answer in api.send_all(calls, concurrency=4):
        expect_no_leak(answer, victim.marks, "anybody's, under an old version's path")
    login = {"email": victim.viewer.email, "password": victim.viewer.password}
    for prefix in OLD[:-1]:
        own = victim.viewer.get(f"{prefix}/invoices")
        expect(victim.marks[0] not in own.text, "nothing at all under an old path", own, "", own)
        for tail in ("/login", "/auth/login"):
            answer = api.post(prefix + tail, json=login)
            expect("token" not in answer.text, "no login under an old path", answer, "", answer)
        for method, path, body in writes(victim, make):
            headers = {"Idempotency-Key": make.word("key-")}
            answer = rival.admin.ask(
                method, prefix + path.removeprefix("/v2"), json=body, headers=headers
            )
            if answer.status < 400:
                expect_unchanged(victim, before, answer)
    expect_unchanged(victim, before, None)
    expect(json.dumps(before) != "{}", "a view of the victim", before)
