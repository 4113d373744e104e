"""Stage contract: what honest users do all day. It runs before the attacks and after them."""

from collections.abc import Callable
from typing import Any

from graders.checks import App, expect, requirement

LIST = "/v2/invoices?page_size=100"


@requirement("still-works", again="traces")
def test_a_new_customer_registers_logs_in_and_looks_around(
    api: App, make: Any, fields: Callable[..., Any]
) -> None:
    ann = make.person(api)
    me = fields(ann.get("/v2/me").expect(200, "this is my own account"), "id", "email", "role")
    expect((me["email"], me["role"]) == (ann.email, "admin"), "my address, as an admin", me)
    answer = ann.patch("/v2/me", json={"name": "Ann Other"})
    expect(fields(answer, "name")["name"] == "Ann Other", "the new name", answer, "", answer)
    again = ann.get("/v2/me").json()
    expect(again["name"] == "Ann Other", "the new name, kept", again)
    body = {"email": ann.email, "password": make.password(), "name": "x", "organisation": "y"}
    api.post("/v2/auth/register", json=body).expect({409, 422}, "the address is taken")


@requirement("still-works", again="traces")
def test_both_replicas_know_a_session_and_refresh_it(
    api: App, make: Any, fields: Callable[..., Any]
) -> None:
    ann = make.person(api)
    for at in (0, 1, 0, 1):
        expect(ann.opens(at), "the session to open every replica", ann.get("/v2/me", at=at))
    for at in (1, 0, 1):
        answer = api.replicas[at].post("/v2/auth/refresh", json={"refresh_token": ann.refresh})
        body = fields(answer.expect(200, "a refresh token works once"), "access_token")
        ann.access, ann.refresh = body["access_token"], body["refresh_token"]
        expect(ann.opens(1 - at), "the new token to open the other replica", answer, "", answer)


@requirement("still-works", again="traces")
def test_a_wrong_password_is_refused_and_the_right_one_works_afterwards(
    api: App, make: Any, log_in: Callable[..., Any], got_in: Callable[..., bool]
) -> None:
    ann = make.person(api)
    for _ in range(5):
        answer = log_in(api, ann.email, "not my password", "198.51.100.7")
        expect(not got_in(api, answer), "no way in with a wrong password", answer, "", answer)
    answer = log_in(api, ann.email, ann.password, "198.51.100.7")
    answer.expect(200, "five typing errors are human")
    expect(ann.elsewhere().works(), "the right password to open the account", answer)


@requirement("still-works", again="traces")
def test_passwords_are_changed_and_reset(
    api: App, make: Any, reset_link: Callable[..., tuple[str, str]], log_in: Callable[..., Any]
) -> None:
    ann, new = make.person(api), make.password()
    change = {"old_password": "wrong password", "new_password": new}
    answer = ann.post("/v2/auth/password", json=change)
    expect(log_in(api, ann.email, new).status != 200, "the old password to be asked for", answer)
    answer = ann.post("/v2/auth/password", json={**change, "old_password": ann.password})
    answer.expect({200, 204}, "this is the old password")
    expect(ann.works(), "the session that changed the password to go on", ann.get("/v2/me"))
    ann.password = new
    expect(ann.elsewhere().works(), "the new password to work", answer)
    _, token = reset_link(ann)
    third = make.password()
    answer = api.post("/v2/auth/reset", json={"token": token, "new_password": third})
    answer.expect({200, 204}, "the token came by mail a moment ago")
    ann.password = third
    expect(ann.elsewhere().works(), "the password of the reset to work", answer, "", answer)


@requirement("still-works", again="traces")
def test_invoices_are_written_read_changed_and_deleted(
    api: App, make: Any, fields: Callable[..., Any]
) -> None:
    ann = make.person(api)
    member = make.colleague(ann, "member")
    body = make.invoice(details={"project": {"code": 7, "tags": ["a", "b"]}})
    answer = member.post("/v2/invoices", json=body).expect(201, "a member writes invoices")
    made = fields(answer, "id", "total_cents", "paid_cents", "status", "created_at")
    expected = {**body, "total_cents": 25_000, "paid_cents": 0, "status": "open"}
    for at in (0, 1):
        got = fields(ann.get(f"/v2/invoices/{made['id']}", at=at).expect(200, "it is theirs"))
        shown = {key: got.get(key) for key in expected}
        expect(shown == expected, f"the invoice as it was written: {expected}", shown)
    change = {"note": "paid by card", "lines": body["lines"][:1]}
    changed = fields(member.patch(f"/v2/invoices/{made['id']}", json=change))
    got = (changed.get("note"), changed.get("total_cents"), changed.get("customer"))
    wanted = ("paid by card", 20_000, body["customer"])
    expect(got == wanted, f"note, total and customer {wanted}", got)
    member.delete(f"/v2/invoices/{made['id']}").expect({200, 204}, "nothing was paid")
    answer = member.get(f"/v2/invoices/{made['id']}")
    expect(body["customer"] not in answer.text, "a deleted invoice to be gone", answer, "", answer)


@requirement("still-works", again="traces")
def test_lists_are_searched_sorted_paged(api: App, make: Any, fields: Callable[..., Any]) -> None:
    ann = make.person(api)
    amounts, notes = [300, 100, 200, 400, 500], ["50 % off", "it's fine", "a_b", "Größe", "plain"]
    for amount, note in zip(amounts, notes, strict=True):
        lines = [{"description": "Hours", "quantity": 1, "unit_cents": amount}]
        body = make.invoice(lines=lines, note=note, customer=f"Customer {amount}")
        ann.post("/v2/invoices", json=body).expect(201, "an admin writes invoices")

    def listed(query: str) -> list[int]:
        answer = ann.get(f"/v2/invoices?{query}").expect(200, f"{query} is in the contract")
        return [one["total_cents"] for one in fields(answer, "items", "total")["items"]]

    asked = {
        "sort=total_cents": sorted(amounts),
        "sort=-total_cents": sorted(amounts, reverse=True),
        "sort=created_at": amounts,
        "": amounts[::-1],
        "sort=customer&page_size=2&page=2": [300, 400],
        "page=4&page_size=2": [],
        "q=fine": [100],
        "q=it%27s": [100],
        "q=customer%20400": [400],
        "q=gr%C3%B6%C3%9Fe": [400],
        "q=a_b": [200],
        "q=nothing-like-this": [],
        "status=open&sort=created_at": amounts,
        "status=paid": [],
    }
    for query, expected in asked.items():
        got = listed(query)
        expect(got == expected, f"GET /v2/invoices?{query} lists totals {expected}", got)
    total = fields(ann.get("/v2/invoices?page_size=1"), "total")["total"]
    expect(total == len(amounts), f"a total of {len(amounts)} on a page of 1", total)


@requirement("still-works", again="traces")
def test_invoices_are_handled_in_bulk(api: App, make: Any, fields: Callable[..., Any]) -> None:
    ann = make.person(api)
    ids = [fields(ann.post("/v2/invoices", json=make.invoice()), "id")["id"] for _ in range(4)]
    answer = ann.post("/v2/invoices/bulk", json={"action": "get", "ids": ids[:3]})
    got = [one["id"] for one in fields(answer.expect(200, "these are theirs"), "items")["items"]]
    expect(sorted(got) == ids[:3], f"the invoices {ids[:3]}", got)
    ann.post("/v2/invoices/bulk", json={"action": "delete", "ids": ids[1:3]}).expect(
        {200, 204}, "nothing was paid"
    )
    left = [one["id"] for one in fields(ann.get(LIST), "items")["items"]]
    expect(sorted(left) == [ids[0], ids[3]], f"{ids[0]} and {ids[3]} to be left", left)


@requirement("still-works", again="traces")
def test_invoices_are_paid_in_parts_up_to_their_total(
    api: App, make: Any, fields: Callable[..., Any]
) -> None:
    ann = make.person(api)
    invoice = fields(ann.post("/v2/invoices", json=make.invoice()), "id")["id"]
    path = f"/v2/invoices/{invoice}"
    for amount in (10_000, 15_000):
        headers = {"Idempotency-Key": make.word("key-")}
        answer = ann.post(f"{path}/payments", json={"amount_cents": amount}, headers=headers)
        paid = fields(answer.expect({200, 201}, "this much is owed"), "id", "amount_cents")
        expect(paid["amount_cents"] == amount, f"a payment of {amount}", answer, "", answer)
    got = fields(ann.get(path), "paid_cents", "status")
    expect((got["paid_cents"], got["status"]) == (25_000, "paid"), "25000 cents, paid", got)
    items = fields(ann.get(f"{path}/payments"), "items")["items"]
    amounts = [one["amount_cents"] for one in items]
    expect(amounts == [10_000, 15_000], "two payments on record", amounts)
    ann.delete(path)
    expect(ann.get(path).status == 200, "a paid invoice can't be deleted", ann.get(path))


@requirement("still-works", again="traces")
def test_files_are_attached_and_come_back_as_they_were(
    api: App, make: Any, fields: Callable[..., Any]
) -> None:
    ann = make.person(api)
    path = f"/v2/invoices/{fields(ann.post('/v2/invoices', json=make.invoice()), 'id')['id']}"
    content = bytes(range(256)) * 1000
    answer = ann.post(f"{path}/attachments?name=scan%201_a-b.pdf", content=content)
    answer.expect(201, "256 kB under a plain name are fine")
    for at in (0, 1):
        got = ann.get(f"{path}/attachments/scan%201_a-b.pdf", at=at).expect(200, "it is attached")
        expect(got.body == content, "the bytes that were sent", f"{len(got.body)} bytes", "", got)
    again = ann.post(f"{path}/attachments?name=scan%201_a-b.pdf", content=b"second edition")
    again.expect({200, 201}, "the same name replaces")
    got = ann.get(f"{path}/attachments/scan%201_a-b.pdf")
    expect(got.body == b"second edition", "the second edition", got, "", got)
    items = fields(ann.get(f"{path}/attachments"), "items")["items"]
    listed = [(one["name"], one["size"]) for one in items]
    expect(listed == [("scan 1_a-b.pdf", 14)], "one attachment of 14 bytes", listed)


@requirement("still-works", again="traces")
def test_webhooks_are_delivered_to_public_addresses(
    api: App, make: Any, world: Any, fields: Callable[..., Any]
) -> None:
    ann, path = make.person(api), make.word("/hook")
    for url in (f"http://hooks.example.com{path}?a=1&b=2", f"http://192.0.1.10:8080{path}/ip"):
        answer = ann.post("/v2/webhooks", json={"url": url}).expect(201, "the address is public")
        id_ = fields(answer, "id", "url")["id"]
        answer = ann.post(f"/v2/webhooks/{id_}/test").expect(200, "a test event is sent")
        got = fields(answer, "delivered", "status")
        expect((got["delivered"], got["status"]) == (True, 200), "delivered, status 200", got)
        ann.delete(f"/v2/webhooks/{id_}").expect({200, 204}, "it is theirs")
    sent = [(target, body) for target, body in list(world.delivered) if path in target]
    targets = [target for target, _ in sent]
    expect(len(sent) == 2, "two deliveries at the proxy", targets)
    expect(targets[0].endswith(f"{path}?a=1&b=2"), "the path and query of the URL", targets[0])
    expect(b'"event"' in sent[0][1], 'a JSON body with "event"', sent[0][1])
    left = fields(ann.get("/v2/webhooks"), "items")["items"]
    expect(left == [], "no webhook left", left)


@requirement("still-works", again="traces")
def test_api_keys_read_invoices(api: App, make: Any, fields: Callable[..., Any]) -> None:
    ann = make.person(api)
    body = make.invoice()
    invoice = fields(ann.post("/v2/invoices", json=body), "id")["id"]
    answer = ann.post("/v2/api-keys", json={"name": "bookkeeping"}).expect(201, "admins make keys")
    made = fields(answer, "id", "name", "key")
    headers = {"X-Api-Key": made["key"]}
    for path in (f"/v2/invoices/{invoice}", "/v2/invoices"):
        got = api.get(path, headers=headers).expect(200, "a key reads invoices")
        expect(body["customer"] in got.text, "the invoice", got, "", got)
    listed = fields(ann.get("/v2/api-keys"), "items")["items"]
    expect([one["name"] for one in listed] == ["bookkeeping"], "one key, by its name", listed)
    ann.delete(f"/v2/api-keys/{made['id']}").expect({200, 204}, "it is theirs")
    got = api.get(f"/v2/invoices/{invoice}", headers=headers)
    expect(body["customer"] not in got.text, "a deleted key opens nothing", got, "", got)


@requirement("still-works", again="traces")
def test_roles_may_do_what_their_row_of_the_table_says(
    api: App, make: Any, fields: Callable[..., Any]
) -> None:
    ann = make.person(api)
    viewer, member = make.colleague(ann, "viewer"), make.colleague(ann, "member")
    body = make.invoice()
    path = f"/v2/invoices/{fields(member.post('/v2/invoices', json=body), 'id')['id']}"
    for one in (path, "/v2/invoices", f"{path}/payments", f"{path}/attachments", "/v2/me"):
        viewer.get(one).expect(200, "a viewer reads invoices")
    shown = fields(viewer.get(path), "tax_id", "customer")
    expect(shown["customer"] == body["customer"], "the invoice for a viewer", shown)
    hidden = shown["tax_id"].endswith(body["tax_id"][-4:])
    expect(hidden, "the last four characters of the tax id for a viewer", shown)
    users = fields(ann.get("/v2/users"), "items")["items"]
    emails = sorted(one["email"] for one in users)
    wanted = sorted([ann.email, viewer.email, member.email])
    expect(emails == wanted, f"the users {wanted}", emails)
    ann.patch(f"/v2/users/{viewer.id}", json={"role": "member"}).expect(200, "admins give roles")
    viewer.log_in()
    answer = viewer.post("/v2/invoices", json=make.invoice())
    answer.expect(201, "the viewer became a member")
    ann.delete(f"/v2/users/{member.id}").expect({200, 204}, "admins delete users")
    users = fields(ann.get("/v2/users"), "items")["items"]
    expect(len(users) == 2, "two users left", [one["email"] for one in users])


@requirement("still-works", again="traces")
def test_staff_sees_organisations_and_suspends_them_for_a_while(
    api: App, make: Any, staff: Any, fields: Callable[..., Any]
) -> None:
    name = make.word("Suspended ")
    ann = make.person(api, organisation=name)
    id_ = fields(ann.get("/v2/me"), "organisation_id")["organisation_id"]
    items = fields(staff.get("/v2/admin/organisations"), "items")["items"]
    mine = [one for one in items if one["name"] == name]
    expect(len(mine) == 1 and mine[0]["users"] == 1, f"{name} with one user", mine)
    path = f"/v2/admin/organisations/{id_}/suspend"
    staff.post(path, json={"suspended": True}).expect({200, 204}, "staff suspends")
    expect(not ann.works(), "a suspended organisation to be shut out", ann.get("/v2/me"))
    staff.post(path, json={"suspended": False}).expect({200, 204}, "staff lifts a suspension")
    ann.log_in()
    expect(ann.works(), "the organisation to be back", ann.get("/v2/me"))


@requirement("still-works", again="traces")
def test_pages_of_the_application_may_ask_from_a_browser(api: App, make: Any) -> None:
    origin = "https://app.invoicing.example"
    ann = make.person(api)
    answer = ann.get("/v2/me", headers={"Origin": origin}).expect(200, "it is their own page")
    allowed = answer.headers.get("access-control-allow-origin")
    expect(allowed == origin, f"Access-Control-Allow-Origin: {origin}", allowed, "", answer)
    headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
    headers["Access-Control-Request-Headers"] = "authorization,content-type,idempotency-key"
    answer = api.request("OPTIONS", "/v2/invoices/1", headers=headers)
    answer.expect({200, 204}, "a browser asks before it sends a PATCH")
    methods = answer.headers.get("access-control-allow-methods", "")
    expect("PATCH" in methods, "PATCH among the allowed methods", methods, "", answer)


@requirement("still-works", again="traces")
def test_actions_are_on_record_for_admins(api: App, make: Any, fields: Callable[..., Any]) -> None:
    ann = make.person(api)
    invoice = fields(ann.post("/v2/invoices", json=make.invoice()), "id")["id"]
    items = fields(ann.get("/v2/audit?page_size=50"), "items")["items"]
    wanted = ("invoice-created", ann.email, str(invoice))
    got = [(one["action"], one["actor"], str(one["target"])) for one in items]
    expect(wanted in got, f"{wanted} in the audit log", got)
