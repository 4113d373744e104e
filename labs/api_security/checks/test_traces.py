"""Stage traces: what is used up, moved, and left behind."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graders.checks import Answer, App, Call, Replica, expect, requirement


def alternately(app: App, calls: list[Call], at_once: int = 6) -> list[Answer]:
    """Send calls to both replicas at the same time, in turn."""
    shares = [calls[0::2], calls[1::2]]
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(Replica.send_all, app.replicas[:2], shares, [at_once // 2] * 2))
    return [parts[index % 2][index // 2] for index in range(len(calls))]


@requirement("idempotent-payment")
def test_a_repeated_payment_is_one_payment(api: App, make: Any, fields: Any) -> None:
    ann = make.person(api)
    path = f"/v2/invoices/{fields(ann.post('/v2/invoices', json=make.invoice()), 'id')['id']}"
    headers, body = {"Idempotency-Key": make.word("key-")}, {"amount_cents": 7000}
    answers = [ann.post(f"{path}/payments", json=body, headers=headers, at=at) for at in (0, 1, 0)]
    ids = {fields(one.expect({200, 201}, "it is the same payment"), "id")["id"] for one in answers}
    expect(len(ids) == 1, "the same payment each time", ids, "", answers[1])
    expect_paid(ann, path, 7000, 1, answers[1])
    other = ann.post(f"{path}/payments", json={"amount_cents": 9000}, headers=headers)
    expect_paid(ann, path, 7000, 1, other)


def expect_paid(person: Any, path: str, cents: int, count: int, attack: Answer) -> None:
    """Demand what an invoice shows, and how many payments there are."""
    shown = person.get(path).json()
    items = person.get(f"{path}/payments").json()["items"]
    got = (shown["paid_cents"], len(items), sum(one["amount_cents"] for one in items))
    expected = f"{count} payments, {cents} cents in sum and on the invoice"
    expect(got == (cents, count, cents), expected, f"{got}", "", attack)


@requirement("idempotent-payment")
def test_a_raced_payment_is_one_payment(api: App, make: Any, fields: Any) -> None:
    ann = make.person(api)
    for _ in range(4):
        path = f"/v2/invoices/{fields(ann.post('/v2/invoices', json=make.invoice()), 'id')['id']}"
        headers = {**ann.headers, "Idempotency-Key": make.word("key-")}
        call = Call("POST", f"{path}/payments", {"amount_cents": 5000}, headers)
        answers = alternately(api, [call] * 12, at_once=12)
        right = [one for one in answers if one.status in (200, 201)]
        expect(bool(right), "at least one of 12 equal requests to be answered", answers[0])
        expect_paid(ann, path, 5000, 1, right[0])


@requirement("idempotent-payment")
def test_what_is_owed_is_not_paid_twice(api: App, make: Any, fields: Any) -> None:
    ann = make.person(api)
    for _ in range(4):
        path = f"/v2/invoices/{fields(ann.post('/v2/invoices', json=make.invoice()), 'id')['id']}"
        calls = [
            Call("POST", f"{path}/payments", {"amount_cents": 25_000},
                 {**ann.headers, "Idempotency-Key": make.word("key-")})
            for _ in range(10)
        ]  # fmt: skip
        answers = alternately(api, calls, at_once=10)
        expect_paid(ann, path, 25_000, 1, answers[0])
    for amount in (1, -5000, 0):
        key = {"Idempotency-Key": make.word("key-")}
        answer = ann.post(f"{path}/payments", json={"amount_cents": amount}, headers=key)
        expect_paid(ann, path, 25_000, 1, answer)


@requirement("idempotent-payment")
def test_a_key_of_another_organisation_means_nothing(api: App, make: Any, fields: Any) -> None:
    people, headers = [make.person(api) for _ in range(2)], {"Idempotency-Key": make.word("key-")}
    seen = []
    for person in people:
        made = fields(person.post("/v2/invoices", json=make.invoice()), "id")
        path = f"/v2/invoices/{made['id']}"
        answer = person.post(f"{path}/payments", json={"amount_cents": 4000}, headers=headers)
        seen.append(fields(answer.expect({200, 201}, "the key is new to them"), "id")["id"])
        expect_paid(person, path, 4000, 1, answer)
    expect(seen[0] != seen[1], "two payments for two organisations", seen)


@requirement("secrets-at-rest")
def test_tax_ids_are_unreadable_in_a_dump(
    api: App, make: Any, fields: Any, dump: Callable[[App], Any]
) -> None:
    ann, tax_id = make.person(api), make.tax_id()
    for _ in range(2):
        made = fields(ann.post("/v2/invoices", json=make.invoice(tax_id=tax_id)), "id")
        ann.patch(f"/v2/invoices/{made['id']}", json={"note": "changed"})
    shown = ann.get("/v2/invoices")
    expect(tax_id in shown.text, "the tax id for its owner", shown)
    copy = dump(api)
    found = copy.holding(tax_id)
    expect(not found, "no tax id in the dump, in any form that needs no key", found)
    guesses = [hashlib.new(name, tax_id.encode()).hexdigest() for name in ("md5", "sha1", "sha256")]
    hashed = [where for where, row in copy.rows if any(one in row for one in guesses)]
    expect(not hashed, "no hash of a tax id: there are few enough to try them all", hashed)


@requirement("secrets-at-rest")
def test_keys_and_tokens_in_a_dump_open_nothing(
    api: App, make: Any, fields: Any, dump: Callable[[App], Any]
) -> None:
    ann = make.person(api)
    key = fields(ann.post("/v2/api-keys", json={"name": "dumped"}), "key")["key"]
    ann.get("/v2/me").expect(200, "the session is new")
    used = api.get("/v2/invoices", headers={"X-Api-Key": key})
    used.expect(200, "the key is new")
    copy = dump(api)
    tokens = {"API key": key, "access token": ann.access, "refresh token": ann.refresh}
    for what, token in tokens.items():
        found = copy.holding(token)
        expect(not found, f"no {what} in the dump", found)


DEEDS = (
    "login", "login-failed", "user-created", "role-changed", "user-deleted", "password-changed",
    "invoice-created", "invoice-changed", "invoice-deleted", "payment", "webhook-created",
    "api-key-created",
)  # fmt: skip


def do_everything(api: App, make: Any, fields: Any, log_in: Any) -> tuple[Any, dict[str, Any]]:
    """Do one of each deed; the person, and the target of each deed."""
    ann = make.person(api)
    log_in(api, ann.email, "not the password", "198.51.100.9")
    bob = make.colleague(ann, "viewer")
    ann.patch(f"/v2/users/{bob.id}", json={"role": "member"})
    kept, gone = (fields(ann.post("/v2/invoices", json=make.invoice()), "id")["id"] for _ in "ab")
    ann.patch(f"/v2/invoices/{kept}", json={"note": "changed"})
    ann.delete(f"/v2/invoices/{gone}")
    headers, amount = {"Idempotency-Key": make.word("key-")}, {"amount_cents": 100}
    paid = ann.post(f"/v2/invoices/{kept}/payments", json=amount, headers=headers)
    hook = ann.post("/v2/webhooks", json={"url": "http://hooks.example.com/audited"})
    key = ann.post("/v2/api-keys", json={"name": "audited"})
    ann.delete(f"/v2/users/{bob.id}")
    body = {"old_password": ann.password, "new_password": make.password()}
    ann.post("/v2/auth/password", json=body).expect({200, 204}, "the password is right")
    ids = [fields(one, "id")["id"] for one in (paid, hook, key)]
    targets = {
        "user-created": bob.id, "role-changed": bob.id, "user-deleted": bob.id,
        "invoice-created": kept, "invoice-changed": kept, "invoice-deleted": gone,
        "payment": ids[0], "webhook-created": ids[1], "api-key-created": ids[2],
    }  # fmt: skip
    return ann, targets


@requirement("audit-log")
def test_every_deed_is_on_record_with_who_did_it(
    api: App, make: Any, fields: Any, log_in: Any, acme: Any, expect_no_leak: Any
) -> None:
    ann, targets = do_everything(api, make, fields, log_in)
    answer = ann.get("/v2/audit?page_size=100").expect(200, "an admin reads the audit log")
    items = fields(answer, "items")["items"]
    entries = [(one["action"], one["actor"], str(one["target"])) for one in items]
    for deed in DEEDS:
        wanted = (deed, ann.email) + ((str(targets[deed]),) if deed in targets else ())
        there = any(one[: len(wanted)] == wanted for one in entries)
        expect(there, f"{wanted} in the audit log", f"{entries}"[:600], "", answer)
    times = [one["at"] for one in items]
    expect(times == sorted(times, reverse=True), "the newest entry first", times)
    expect_no_leak(answer, acme.marks, "another organisation's")


@requirement("audit-log")
def test_the_record_can_not_be_changed(api: App, make: Any, attempt: Callable[..., bool]) -> None:
    ann = make.person(api)
    rows = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM audit_log t"
    before = api.postgres.fetch(rows)
    statements = ("UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log",
                  "DELETE FROM audit_log WHERE actor = %s", "TRUNCATE audit_log")  # fmt: skip
    for statement in statements:
        done = attempt(api, statement, *([ann.email] if "%s" in statement else []))
        after = api.postgres.fetch(rows)
        got = f"{statement!r} was {'carried out' if done else 'refused'}, and the table changed"
        expect(before == after, "a table audit_log that only grows, also for the service", got)
    for method in ("DELETE", "PATCH", "PUT", "POST"):
        answer = ann.ask(method, "/v2/audit", json={})
        expect(before == api.postgres.fetch(rows), "no way to change it by a request", answer)


@requirement("audit-log")
def test_neither_record_nor_log_holds_secrets(
    api: App, make: Any, fields: Any, reset_link: Callable[..., tuple[str, str]], log_in: Any
) -> None:
    ann, new, body = make.person(api), make.password(), make.invoice()
    fields(ann.post("/v2/invoices", json=body), "id")
    ann.post("/v2/invoices", json={**body, "lines": "wrong"})
    key = fields(ann.post("/v2/api-keys", json={"name": "logged"}), "key")["key"]
    api.get("/v2/invoices", headers={"X-Api-Key": key})
    log_in(api, ann.email, wrong := make.password(), "198.51.100.9")
    _, token = reset_link(ann)
    api.post("/v2/auth/reset", json={"token": token, "new_password": new})
    secrets = {
        "a password": ann.password, "a new password": new, "a mistyped password": wrong,
        "an access token": ann.access, "a refresh token": ann.refresh, "an API key": key,
        "a reset token": token, "a tax id": body["tax_id"],
    }  # fmt: skip
    log = "\n".join(line for one in api.replicas for line in one.log_tail(20_000))
    record = json.dumps([str(one) for one in api.postgres.fetch("SELECT * FROM audit_log")])
    for what, secret in secrets.items():
        for name, text in (("service's own log", log), ("table audit_log", record)):
            lines = [one for one in text.splitlines() if secret in one]
            got = f"{lines[0][:200]}" if lines else ""
            expect(not lines, f"no trace of {what} in the {name}", got)
