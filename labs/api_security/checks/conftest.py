"""What the checks of this lab share: the world outside, people and their data, who sees what."""

import base64
import ipaddress
import itertools
import json
import math
import random
import secrets
import socket
import string
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from graders.checks import Answer, App, Asked, Call, CheckFailed, Listener, Reply, expect

PUBLIC = "192.0.1.10"  # public by every table, and announced by nobody; the proxy plays it anyway
INSIDE = {
    "localhost": "127.0.0.1",
    "metadata.internal": "169.254.169.254",
    "vault.internal": "10.0.0.7",
    "v6.internal": "::1",
}
MAIL_WITHIN_S = 10.0
STAFF = ("staff@platform.example", "correct horse battery staple")

Listen = Callable[[Callable[[Asked], Reply]], Listener]


# ------------------------------------------------------------------ the world outside


class World:
    """Mail relay, resolver and egress proxy, as the submission sees them through its variables.

    `names` gives a name its addresses, one list for each time it is asked for; the last one stays.
    `reached` tells every request that came to the inside: the address, and what was asked.
    """

    def __init__(self, listen: Listen, rng: random.Random) -> None:
        self.secret = f"inside-{rng.getrandbits(64):016x}"
        self.names: dict[str, list[list[str]]] = {"hooks.example.com": [[PUBLIC]]}
        self.redirects: dict[str, str] = {}
        self.mail_delay_s = 0.0
        self.reached: list[str] = []
        self.delivered: list[tuple[str, bytes]] = []
        self.mails: list[dict[str, Any]] = []
        self.relay = listen(self._take_mail)
        self.resolver = listen(self._look_up)
        self.proxy = listen(self._forward)
        self.inside = listen(self._answer_inside)

    @property
    def env(self) -> dict[str, str]:
        return {
            "MAIL_URL": f"{self.relay.url}/mail",
            "RESOLVER_URL": f"{self.resolver.url}/resolve",
            "EGRESS_PROXY": self.proxy.url,
        }

    def addresses(self, host: str) -> list[str]:
        """Look a name up, as a resolver does: every spelling of a number is one."""
        host = unicodedata.normalize("NFKC", host).replace("。", ".")
        host = host.strip("[]").rstrip(".").lower()
        if host in self.names:
            plan = self.names[host]
            return plan.pop(0) if len(plan) > 1 else plan[0]
        if host in INSIDE or host.endswith(".localhost"):
            return [INSIDE.get(host, "127.0.0.1")]
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        try:
            return [socket.inet_ntoa(socket.inet_aton(host))] if host[:1].isdigit() else []
        except OSError:
            return []

    def _take_mail(self, asked: Asked) -> Reply:
        if asked.method == "GET":  # somebody who runs the service by hand opens the mailbox
            return Reply(200, json.dumps(self.mails).encode(), {"Content-Type": "application/json"})
        try:
            mail = json.loads(asked.body)
        except ValueError:
            return Reply(400)
        self.mails.append(mail if isinstance(mail, dict) else {"link": str(mail)})
        return Reply(202, delay_s=self.mail_delay_s)

    def _look_up(self, asked: Asked) -> Reply:
        name = parse_qs(urlsplit(asked.target).query).get("name", [""])[0]
        body = json.dumps({"addresses": self.addresses(name)}).encode()
        return Reply(200, body, {"Content-Type": "application/json"})

    def _forward(self, asked: Asked) -> Reply:
        """Connect to where the proxy was told to, and look names up like anybody else."""
        try:
            host = urlsplit(asked.target).hostname or asked.target.rpartition(":")[0]
        except ValueError:
            return Reply(400)
        found = self.addresses(host)
        if not found:
            return Reply(502)
        if found[0] != PUBLIC:
            self.reached.append(f"{asked.method} {asked.target}, which is {found[0]}")
            return Reply(200, self.secret.encode())
        self.delivered.append((asked.target, asked.body))
        path = urlsplit(asked.target).path
        if path in self.redirects:
            return Reply(307, b"", {"Location": self.redirects[path]})
        return Reply(200, b"thanks")

    def _answer_inside(self, asked: Asked) -> Reply:
        self.reached.append(f"{asked.method} {self.inside.url}{asked.target}, without the proxy")
        return Reply(200, self.secret.encode())

    def mail_to(self, email: str, number: int = 1) -> dict[str, Any]:
        """Wait for the mail with this number to somebody."""
        deadline_s = time.monotonic() + MAIL_WITHIN_S
        while True:
            found = [one for one in self.mails if str(one.get("to", "")).lower() == email.lower()]
            if len(found) >= number:
                return found[number - 1]
            if time.monotonic() > deadline_s:
                expected = f"mail {number} to {email} within {MAIL_WITHIN_S:g} s at MAIL_URL"
                expect(False, expected, f"{len(found)} mails", "See the contract: mail.")
            time.sleep(0.02)


@pytest.fixture(scope="session")
def world(listen: Listen, seed: int) -> World:
    """The world outside of the submission."""
    return World(listen, random.Random(f"{seed}:world"))


@pytest.fixture(scope="session")
def settings(world: World, seed: int) -> dict[str, str]:
    """The variables of an app that lives in this world; the keys are this run's own."""
    rng = random.Random(f"{seed}:keys")
    keys = {name: f"{rng.getrandbits(256):064x}" for name in ("SECRET_KEY", "DATA_KEY")}
    return {**world.env, **keys}


@pytest.fixture(scope="session")
def api(app_factory: Callable[..., Any], settings: dict[str, str]) -> Iterator[App]:
    """Two replicas, shared by all checks."""
    with app_factory(env=settings, replicas=2) as app:
        yield app


@pytest.fixture(scope="session")
def tight(
    app_factory: Callable[..., Any], settings: dict[str, str], login_window_s: int
) -> Iterator[App]:
    """Two replicas that allow 60 requests a minute, and forget failed logins after a while."""
    limits = {"RATE_LIMIT": "60", "RATE_WINDOW_S": "60", "LOGIN_WINDOW_S": str(login_window_s)}
    with app_factory(env={**settings, **limits}, replicas=2) as app:
        yield app


@pytest.fixture(scope="session")
def login_window_s(api: App, make: "Maker") -> int:
    """How long failed logins count: time enough to try some forty passwords, however slow."""
    return max(6, math.ceil(40 * make.person(api).login_s))


@pytest.fixture(scope="session")
def brief(app_factory: Callable[..., Any], settings: dict[str, str]) -> Iterator[App]:
    """One replica whose access tokens and reset links live for a second."""
    with app_factory(env={**settings, "ACCESS_TTL_S": "1", "RESET_TTL_S": "1"}) as app:
        yield app


@pytest.fixture(autouse=True)
def still_alive(context: Any) -> Iterator[None]:
    """Say which request ended the service, and start it again for the next check."""
    yield
    for app in context.findings.running:
        if how := app.ended():
            expected = "the service to live on after this request"
            step = "Whoever sends it can switch the service off; its last lines tell more."
            if culprit := app.request_that_ends_it():
                culprit.fail(expected, how, step)
            expect(False, "the service to live on after this check's requests", how, step)


# ------------------------------------------------------------------ people and their data


@dataclass
class Person:
    """Somebody who is logged in; asks the app's first replica, or another one with `at`."""

    app: App
    id: Any
    email: str
    password: str
    role: str
    access: str = ""
    refresh: str = ""
    at: int = 0
    login_s: float = 0.0

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}

    def ask(self, method: str, path: str, at: int | None = None, **options: Any) -> Answer:
        """Send a request as this person."""
        headers = {**self.headers, **options.pop("headers", {})}
        replica = self.app.replicas[self.at if at is None else at]
        return replica.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Answer:
        return self.ask("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.ask("POST", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        return self.ask("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.ask("DELETE", path, **options)

    def log_in(self, source: str | None = None) -> "Person":
        """Log in (again) and keep the tokens."""
        answer = log_in(self.app, self.email, self.password, source)
        answer.expect(200, f"{self.email} has this password")
        body = fields(answer, "access_token", "refresh_token")
        self.access, self.refresh = body["access_token"], body["refresh_token"]
        self.login_s = answer.elapsed_s
        return self

    def elsewhere(self) -> "Person":
        """Log the same person in on another device."""
        other = Person(self.app, self.id, self.email, self.password, self.role, at=self.at)
        return other.log_in()

    def works(self) -> bool:
        """Say if the session opens anything, on any replica."""
        return any(self.opens(index) for index in range(len(self.app.replicas)))

    def opens(self, at: int = 0) -> bool:
        return self.email in self.get("/v2/me", at=at).text


def log_in(app: App, email: str, password: str, source: str | None = None, at: int = 0) -> Answer:
    """Try to log in from an address, as the load balancer passes it on."""
    source = source or str(ipaddress.IPv4Address(0x64400000 + secrets.randbelow(1 << 22)))
    body = {"email": email, "password": password}
    headers = {"X-Forwarded-For": source}
    # A hash is slow on purpose, and slower on a busy machine.
    return app.replicas[at].post("/v2/auth/login", json=body, headers=headers, timeout_s=15)


def fields(answer: Answer, *names: str) -> dict[str, Any]:
    """Return the object in an answer; it must have these fields."""
    body = answer.json()
    missing = [one for one in names if not isinstance(body, dict) or one not in body]
    step = "Compare the body with the contract."
    expect(not missing, f"a JSON object with {', '.join(names)}", answer, step, answer)
    return dict(body)


@pytest.fixture(scope="session")
def got_in() -> Callable[[App, Answer], bool]:
    """Say if a login's answer holds a token that opens something."""

    def judge(app: App, answer: Answer) -> bool:
        try:
            token = json.loads(answer.text)["access_token"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        me = app.get("/v2/me", headers={"Authorization": f"Bearer {token}"})
        return me.status == 200 and '"email"' in me.text

    return judge


@pytest.fixture(scope="session", name="log_in")
def log_in_fixture() -> Callable[..., Answer]:
    """Try to log in: `log_in(app, email, password, source, at)`."""
    return log_in


@pytest.fixture(scope="session", name="fields")
def fields_fixture() -> Callable[..., dict[str, Any]]:
    """Return the object in an answer, which must have some fields."""
    return fields


@dataclass
class Organisation:
    """An organisation with people of all roles, and what it owns: `marks` occur in its data."""

    admin: Person
    member: Person
    viewer: Person
    marks: list[str] = field(default_factory=list)
    invoices: list[Any] = field(default_factory=list)
    tax_ids: list[str] = field(default_factory=list)
    webhook: Any = None
    api_key: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> Any:
        return self.admin.get("/v2/me").json().get("organisation_id")


class Maker:
    """Makes people, organisations and invoices nobody has seen before."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(f"{seed}:people")
        self.count = itertools.count(1)

    def word(self, prefix: str) -> str:
        return f"{prefix}{self.rng.getrandbits(48):012x}"

    def password(self) -> str:
        return "Pw-" + "".join(self.rng.choices(string.ascii_letters + string.digits, k=15))

    def tax_id(self) -> str:
        return "DE" + "".join(self.rng.choices(string.digits, k=11))

    def person(self, app: App, organisation: str | None = None) -> Person:
        """Register somebody with an organisation of their own and log them in."""
        email, password = f"{self.word('u')}@example.com", self.password()
        body = {"email": email, "password": password, "name": "Ann Example"}
        body["organisation"] = organisation or self.word("Org ")
        answer = app.post("/v2/auth/register", json=body)
        answer.expect(201, "anybody may register an organisation")
        user = fields(answer, "id", "email", "role")
        return Person(app, user["id"], email, password, "admin").log_in()

    def colleague(self, admin: Person, role: str) -> Person:
        """Have an admin create somebody, and log them in."""
        email, password = f"{self.word('u')}@example.com", self.password()
        body = {"email": email, "password": password, "name": "Bob Example", "role": role}
        answer = admin.post("/v2/users", json=body)
        answer.expect(201, "an admin creates users")
        return Person(admin.app, fields(answer, "id")["id"], email, password, role).log_in()

    def invoice(self, **changes: Any) -> dict[str, Any]:
        """Return the body of a new invoice over 250.00."""
        lines = [
            {"description": "Consulting", "quantity": 2, "unit_cents": 10_000},
            {"description": "Travel", "quantity": 1, "unit_cents": 5_000},
        ]
        body = {"customer": self.word("Customer "), "tax_id": self.tax_id(), "currency": "EUR"}
        return {**body, "note": self.word("note "), "lines": lines, **changes}

    def organisation(self, app: App) -> Organisation:
        """Make an organisation with three people, three invoices and all that belongs to it."""
        admin = self.person(app)
        own = Organisation(admin, self.colleague(admin, "member"), self.colleague(admin, "viewer"))
        for _ in range(3):
            body = self.invoice()
            answer = own.member.post("/v2/invoices", json=body).expect(
                201, "members write invoices"
            )
            own.invoices.append(fields(answer, "id")["id"])
            own.tax_ids.append(body["tax_id"])
            own.marks += [body["customer"], body["note"], body["tax_id"]]
        first, content = own.invoices[0], self.word("attached ")
        path = f"/v2/invoices/{first}"
        own.member.post(f"{path}/attachments?name=contract.txt", content=content).expect(
            201, "members attach files"
        )
        payment = {"amount_cents": 1000}
        headers = {"Idempotency-Key": self.word("key-")}
        own.member.post(f"{path}/payments", json=payment, headers=headers).expect(
            201, "members pay"
        )
        hook = f"http://hooks.example.com/{self.word('hook')}"
        answer = own.admin.post("/v2/webhooks", json={"url": hook}).expect(201, "admins add hooks")
        own.webhook = fields(answer, "id")["id"]
        answer = own.admin.post("/v2/api-keys", json={"name": self.word("key ")})
        own.api_key = fields(answer.expect(201, "admins make keys"), "id", "key")
        own.marks += [content, hook, own.api_key["key"]]
        own.marks += [one.email for one in (own.admin, own.member, own.viewer)]
        return own


@pytest.fixture(scope="session")
def make(seed: int) -> Maker:
    """Makes what no other check has seen."""
    return Maker(seed)


@pytest.fixture(scope="session")
def acme(api: App, make: Maker) -> Organisation:
    """The victim: an organisation with three people, three invoices and all that belongs to it."""
    return make.organisation(api)


@pytest.fixture(scope="session")
def rival(api: App, make: Maker) -> Organisation:
    """The attacker's own organisation."""
    return make.organisation(api)


@pytest.fixture
def victim(api: App, make: Maker) -> Organisation:
    """Another victim, of one check only: what an attack does to it harms no other check."""
    return make.organisation(api)


@pytest.fixture(scope="session")
def staff(api: App) -> Person:
    """A member of the platform's staff."""
    return Person(api, None, *STAFF, "staff").log_in()


# ------------------------------------------------------------------ who sees what


@pytest.fixture(scope="session")
def picture() -> Callable[[Organisation], dict[str, str]]:
    """What the members of an organisation see of all it owns, as texts to compare."""

    def look(own: Organisation) -> dict[str, str]:
        paths = ["/v2/invoices?page_size=100&sort=created_at", "/v2/users", "/v2/webhooks"]
        paths.append("/v2/api-keys")
        for invoice in own.invoices:
            base = f"/v2/invoices/{invoice}"
            paths += [base, f"{base}/payments", f"{base}/attachments"]
        paths.append(f"/v2/invoices/{own.invoices[0]}/attachments/contract.txt")
        calls = [Call("GET", path, headers=own.admin.headers) for path in paths]
        answers = own.admin.app.send_all(calls, concurrency=4)
        return {path: f"{one.status} {one.text}" for path, one in zip(paths, answers, strict=True)}

    return look


@pytest.fixture(scope="session")
def expect_unchanged(picture: Callable[[Organisation], dict[str, str]]) -> Callable[..., None]:
    """Demand that an organisation sees what it saw before an attack."""

    def judge(own: Organisation, before: dict[str, str], attack: Answer | None) -> None:
        after = picture(own)
        changed = [path for path in before if before[path] != after[path]]
        path = changed[0] if changed else ""
        got = f"GET {path} gave them {before.get(path)} and gives {after.get(path)}; "
        got += f"the attack was answered {attack}"
        expect(not changed, "the victim to see what they saw before", got, "", attack)

    return judge


@pytest.fixture(scope="session")
def expect_no_leak() -> Callable[..., None]:
    """Demand that an answer holds none of some secret texts."""

    def judge(answer: Answer, secrets_: Sequence[str], whose: str) -> None:
        text = answer.text + json.dumps(dict(answer.headers))
        found = [one for one in secrets_ if one in text]
        got = f"{found[0]!r} in {answer}" if found else ""
        expect(not found, f"nothing of {whose} in the answer", got, "", answer)

    return judge


@pytest.fixture(scope="session")
def attempt() -> Callable[..., bool]:
    """Run a statement with the service's rights; whether it was carried out."""

    def run(app: App, statement: str, *parameters: Any) -> bool:
        try:
            app.postgres.fetch(statement, *parameters)
        except CheckFailed:
            return False
        return True

    return run


@dataclass(frozen=True)
class Dump:
    """All that a thief of database and Redis has: `text`, with binary columns also as they are."""

    rows: tuple[tuple[str, str], ...]

    def holding(self, secret: str) -> list[str]:
        """Say where a text stands, as it is or in a form that needs no key."""
        return [
            f"{where} ({how})"
            for how, form in _forms(secret).items()
            for where, row in self.rows
            if form in row
        ]


def _forms(secret: str) -> dict[str, str]:
    raw = secret.encode()
    forms = {"as it is": secret, "in hex": raw.hex(), "backwards": secret[::-1]}
    for shift in range(3):  # the text may begin anywhere in a group of three bytes
        whole = base64.b64encode(b"\0" * shift + raw).decode()
        inner = whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]
        if len(inner) >= 12:
            forms[f"in base64, {shift}"] = inner
    return forms


@pytest.fixture(scope="session")
def dump() -> Callable[[App], Dump]:
    """Copy everything out of an app's database and Redis."""

    def copy(app: App) -> Dump:
        rows: list[tuple[str, str]] = []
        tables = app.postgres.fetch(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in tables:
            for (row,) in app.postgres.fetch(f"SELECT to_jsonb(t) FROM {table} t"):
                rows += [(f"table {table}", one) for one in _readings(row)]
        for key in app.redis.client.scan_iter(count=1000):
            rows += [("Redis", one) for one in _redis_readings(app.redis.client, key)]
        return Dump(tuple(rows))

    return copy


def _readings(row: dict[str, Any]) -> Iterator[str]:
    yield json.dumps(row, ensure_ascii=False)
    for value in row.values():
        if isinstance(value, str) and value.startswith("\\x"):
            yield bytes.fromhex(value[2:]).decode("latin-1")


def _redis_readings(client: Any, key: str) -> Iterator[str]:
    yield key
    kind = client.type(key)
    read = {"string": client.get, "hash": client.hgetall, "set": client.smembers}.get(kind)
    if kind == "list":
        yield str(client.lrange(key, 0, -1))
    elif kind == "zset":
        yield str(client.zrange(key, 0, -1))
    elif kind == "stream":
        yield str(client.xrange(key))
    elif read:
        yield str(read(key))


@pytest.fixture(scope="session")
def reset_link(world: World) -> Callable[..., tuple[str, str]]:
    """Ask for a reset link; the link in the mail, and its token."""

    def ask(person: Person, **headers: str) -> tuple[str, str]:
        seen = [one for one in world.mails if one.get("to") == person.email]
        person.app.post("/v2/auth/forgot", json={"email": person.email}, headers=headers)
        link = str(world.mail_to(person.email, len(seen) + 1).get("link", ""))
        tokens = parse_qs(urlsplit(link).query).get("token", [""])
        expect(bool(tokens[0]), "a link with ?token=… in the mail", link, "See the contract: mail.")
        return link, tokens[0]

    return ask


# ------------------------------------------------------------------ load


@pytest.fixture(scope="session")
def load_env(settings: dict[str, str]) -> Callable[[], dict[str, str]]:
    """Surround an app under load, and one that is tried by hand, with the world outside."""
    return lambda: settings


@pytest.fixture(scope="session")
def prepare_load(seed: int) -> Callable[[App, int | None], dict[str, str]]:
    """Register the user that the load logs in as, with some invoices."""
    password = "load-load-load"

    def prepare(app: App, _size: int | None) -> dict[str, str]:
        maker = Maker(seed)  # the same people and invoices for everybody who is compared
        body = {"email": "load@example.com", "password": password, "name": "Load"}
        answer = app.post("/v2/auth/register", json={**body, "organisation": "Load"})
        answer.expect(201, "anybody may register an organisation")
        answer = log_in(app, body["email"], password).expect(200, "this is the password")
        headers = {"Authorization": f"Bearer {fields(answer, 'access_token')['access_token']}"}
        calls = [Call("POST", "/v2/invoices", maker.invoice(), headers) for _ in range(60)]
        made = [one for one in app.send_all(calls, concurrency=1) if one.status == 201]
        expect(len(made) == len(calls), f"{len(calls)} invoices", f"{len(made)}")
        return {"LOAD_EMAIL": body["email"], "LOAD_PASSWORD": password, "LAB_SEED": str(seed)}

    return prepare
