"""Stage injection: what clients send, and where it goes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from graders.checks import Answer, App, Call, expect, requirement

NoLeak = Callable[..., None]


# ------------------------------------------------------------------ SQL


def injections(true: str, false: str) -> list[tuple[str, str]]:
    """Return pairs of texts that differ in a condition only, if they become SQL."""
    shapes = (
        "' OR {0} OR '1'='2", "' OR {0} -- ", "%' OR {0} OR '%'='", "x') OR ({0}) -- ",
        "1 OR {0}", "' AND {0} AND '1'='1",
    )  # fmt: skip
    return [(shape.format(true), shape.format(false)) for shape in shapes]


@requirement("sql-injection")
def test_conditions_in_parameters_change_no_list(
    acme: Any, rival: Any, expect_no_leak: NoLeak
) -> None:
    for field in ("q", "status", "sort", "page", "page_size", "customer", "currency"):
        for pair in injections("1=1", "1=2"):
            answers = [rival.admin.get(f"/v2/invoices?{field}={quote(one)}") for one in pair]
            for answer in answers:
                expect_no_leak(answer, acme.marks, "another organisation's")
            same = [found(one) for one in answers]
            got = f"{same[0]} and {same[1]} for 1=1 and 1=2"
            expect(
                same[0] == same[1], "the same invoices, whatever the text says", got, "", answers[0]
            )


def found(answer: Answer) -> list[str]:
    return re.findall(r'"id":\s*(\d+)', answer.text) if answer.status == 200 else []


@requirement("sql-injection")
def test_an_order_is_a_name_and_no_expression(rival: Any) -> None:
    shapes = (
        "(CASE WHEN {0} THEN total_cents ELSE -total_cents END)",
        "total_cents * (CASE WHEN {0} THEN 1 ELSE -1 END)",
        "-total_cents * (CASE WHEN {0} THEN 1 ELSE -1 END)",
        "total_cents,(SELECT CASE WHEN {0} THEN 1 ELSE 1/0 END)",
        "-(CASE WHEN {0} THEN id ELSE -id END)",
        "id) LIMIT (CASE WHEN {0} THEN 1 ELSE 0 END) -- ",
    )
    listed = rival.admin.get("/v2/invoices?sort=total_cents").expect(200, "this is an order")
    expect(len(found(listed)) >= 3, "three invoices or more to sort", listed)
    for field in ("sort", "order", "order_by"):
        for shape in shapes:
            queries = [quote(shape.format(one)) for one in ("1=1", "1=2")]
            answers = [rival.admin.get(f"/v2/invoices?{field}={one}") for one in queries]
            seen = [(one.status, found(one)) for one in answers]
            got = f"{seen[0]} and {seen[1]} for conditions that differ"
            expect(
                seen[0] == seen[1], "no answer that depends on the condition", got, "", answers[0]
            )


@requirement("sql-injection")
def test_no_statement_gets_in(
    api: App, victim: Any, rival: Any, picture: Any, expect_unchanged: Any, expect_no_leak: NoLeak
) -> None:
    before = picture(victim)
    texts = (
        "'; UPDATE invoices SET note = 'injected'; -- ",
        "'); DELETE FROM users; -- ",
        "x' UNION SELECT email, email, email, email, email FROM users -- ",
        "' || (SELECT string_agg(customer, ',') FROM invoices) || '",
        "CAST((SELECT string_agg(customer, ',') FROM invoices) AS int)",
        "(SELECT CAST(string_agg(customer || note, ',') AS int) FROM invoices)",
        "1; UPDATE invoices SET note = 'injected'",
    )
    for text in texts:
        calls = [Call("GET", f"/v2/invoices?{one}={quote(text)}", headers=rival.admin.headers)
                 for one in ("q", "sort", "status", "page")]  # fmt: skip
        invoice = rival.invoices[0]
        calls.append(
            Call("PATCH", f"/v2/invoices/{invoice}", {"note": text[:400]}, rival.admin.headers)
        )
        calls.append(Call("PATCH", "/v2/me", {"name": text[:90]}, rival.admin.headers))
        calls.append(Call("POST", "/v2/auth/login", {"email": text, "password": text}))
        calls.append(Call("POST", "/v2/auth/forgot", {"email": text}))
        attached = f"/v2/invoices/{invoice}/attachments/{quote(text, safe='')}"
        calls.append(Call("GET", attached, headers=rival.admin.headers))
        answers = api.send_all(calls, concurrency=3)
        for answer in answers:
            expect_no_leak(answer, victim.marks, "another organisation's")
        expect_unchanged(victim, before, answers[0])


# ------------------------------------------------------------------ files

UPS = ("../", "..%2f", "%2e%2e%2f", "....//", "..%5c", "..%252f")


def climbing(name: str) -> list[str]:
    """Return ways out of a folder to a file, as they stand in a URL."""
    return [up * depth + name for up in UPS for depth in (1, 2, 3, 7)]


@requirement("path-traversal")
def test_downloads_stay_among_the_attachments(
    rival: Any, acme: Any, submission_dir: Path, expect_no_leak: NoLeak
) -> None:
    own = (submission_dir / "submission.toml").read_text(encoding="utf-8")
    secrets = [next(one for one in own.splitlines() if one.strip()), "root:x:0:0", *acme.marks]
    base = f"/v2/invoices/{rival.invoices[0]}/attachments"
    theirs = f"{acme.invoices[0]}/contract.txt"
    names = [*climbing("submission.toml"), *climbing("etc/passwd"), *climbing(theirs)]
    names += ["%2fetc%2fpasswd", "/etc/passwd", "contract.txt%00.pdf", "submission.toml"]
    names += ["%2fsubmission%2fsubmission.toml", "%2fproc%2fself%2fenviron"]
    calls = [Call("GET", f"{base}/{name}", headers=rival.admin.headers) for name in names]
    for answer in rival.admin.app.send_all(calls, concurrency=4):
        expect_no_leak(answer, secrets, "a file outside of the attachments")
    fine = rival.admin.get(f"{base}/contract.txt")
    fine.expect(200, "this one is an attachment")


@requirement("path-traversal")
def test_uploads_stay_among_the_attachments(
    rival: Any, victim: Any, make: Any, picture: Any, expect_unchanged: Any
) -> None:
    before, mark = picture(victim), make.word("written-by-an-upload-")
    app, base = rival.admin.app, f"/v2/invoices/{rival.invoices[0]}/attachments?name="
    home = app.submission.folder
    names = [*climbing("loot.txt"), *climbing(f"{victim.invoices[0]}/contract.txt")]
    names += [quote(str(home / "loot.txt"), safe=""), "%2ftmp%2floot.txt"]
    names.append("%2fsubmission%2floot.txt")
    calls = [
        Call("POST", base + name, None, rival.admin.headers, f"{mark} {number} ".encode())
        for number, name in enumerate(names)
    ]
    answers = app.send_all(calls, concurrency=4)
    strays = holding(home, mark)
    for path, _ in strays:
        path.unlink()  # at level process they are the machine's own folders
    for path, content in strays:
        by = next(one for one in answers if one.call.content in content)
        shown = path.relative_to(home) if path.is_relative_to(home) else path
        expect(False, "no file outside of FILES_DIR", f"{shown}, written by this request", "", by)
    expect_unchanged(victim, before, answers[-1])


def holding(home: Path, mark: str) -> list[tuple[Path, bytes]]:
    """Return the files outside of FILES_DIR that begin with a text, and how they begin."""
    inside = (home / "files", home / ".packages")
    found = [one for one in home.rglob("*") if not any(map(one.is_relative_to, inside))]
    found += [folder / "loot.txt" for folder in (*home.parents, Path("/tmp"))]
    begin = [(one, one.read_bytes()[:100]) for one in found if one.is_file()]
    return [(path, content) for path, content in begin if content.startswith(mark.encode())]


# ------------------------------------------------------------------ webhooks

INNER = (
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "0", "0.0.0.0",
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
    "127.8.9.10", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]",
    "169.254.169.254", "[::ffff:a9fe:a9fe]", "0xa9fea9fe", "metadata.internal", "10.0.0.7",
    "172.16.0.1", "192.168.0.1", "100.64.0.1", "vault.internal", "v6.internal", "[fd00::1]",
    "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "198.18.0.1", "a.localhost",
)  # fmt: skip
TRICKS = (
    "http://hooks.example.com@127.0.0.1/", "http://127.0.0.1#@hooks.example.com/",
    "http://127.0.0.1\\@hooks.example.com/", "http://hooks.example.com\\@127.0.0.1/",
    "http://127.0.0.1:80\\.hooks.example.com/", "http:127.0.0.1/", "http:///127.0.0.1/",
    "http://127.0.0.1 hooks.example.com/", "http://hooks.example.com:80@127.0.0.1:80/",
    "http://127.0.0.1%2f@hooks.example.com/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/",
    "gopher://127.0.0.1/", "file:///etc/passwd", "ftp://127.0.0.1/", "HTTP://127.0.0.1/",
)  # fmt: skip


@pytest.fixture
def send_to(rival: Any) -> Callable[[str], list[Answer]]:
    """Register a webhook and have it tested, as an attacker; the answers."""

    def send(url: str) -> list[Answer]:
        made = rival.admin.post("/v2/webhooks", json={"url": url})
        if made.status not in (200, 201):
            return [made]
        id_ = made.json()["id"]
        answers = [made, rival.admin.post(f"/v2/webhooks/{id_}/test")]
        rival.admin.delete(f"/v2/webhooks/{id_}")
        return answers

    return send


@pytest.fixture
def expect_outside(world: Any) -> Callable[[str, list[Answer]], None]:
    """Demand that nothing inside was reached since the check began."""
    before = len(world.reached)

    def judge(url: str, answers: list[Answer]) -> None:
        reached = world.reached[before:]
        leaked = [one for one in answers if world.secret in one.text]
        got = f"a request inside: {(reached or leaked)[:1]}, answered {answers[-1]}"
        expect(not reached and not leaked, f"nothing inside reached by {url}", got, "", answers[-1])

    return judge


@requirement("ssrf-webhook")
def test_no_spelling_of_an_inner_address_is_reached(
    world: Any, send_to: Any, expect_outside: Any
) -> None:
    port = world.inside.port
    urls = [f"http://{host}/latest/meta-data/" for host in INNER]
    urls += [
        f"http://127.0.0.1:{port}/",
        f"http://localhost:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
    ]
    for url in (*urls, *TRICKS):
        expect_outside(url, send_to(url))


@requirement("ssrf-webhook")
def test_a_redirect_leads_nowhere_inside(
    world: Any, make: Any, send_to: Any, expect_outside: Any
) -> None:
    targets = ("http://169.254.169.254/", "http://127.0.0.1/", "//10.0.0.7/", world.inside.url)
    for target in targets:
        path = make.word("/moved")
        world.redirects[path] = target
        url = f"http://hooks.example.com{path}"
        expect_outside(f"{url}, which redirects to {target}", send_to(url))


@requirement("ssrf-webhook")
def test_a_name_that_changes_its_address_leads_nowhere_inside(
    world: Any, make: Any, send_to: Any, expect_outside: Any
) -> None:
    public = "192.0.1.10"
    for inner in ("127.0.0.1", "169.254.169.254", "::1"):
        for good_times in (1, 2, 3):
            name = f"{make.word('rebind')}.example.com"
            world.names[name] = [[public]] * good_times + [[inner]]
            what = f"http://{name}/, public {good_times} times and then {inner}"
            expect_outside(what, send_to(f"http://{name}/"))
        name = f"{make.word('mixed')}.example.com"
        world.names[name] = [[public, inner], [inner, public]]
        expect_outside(f"http://{name}/, both {public} and {inner}", send_to(f"http://{name}/"))
