"""Stage sessions: forged tokens, and sessions that should have ended."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from graders.checks import Answer, App, Call, expect, requirement

WEAK_SECRETS = (
    "", "secret", "secret-key", "secret_key", "changeme", "change-me", "change me", "changeit",
    "password", "jwt-secret", "jwt_secret", "jwtsecret", "dev", "dev-secret", "dev-key",
    "development", "supersecret", "super-secret", "supersecretkey", "your-256-bit-secret",
    "your-secret-key", "invoicing", "invoicing-dev", "invoicing-secret", "test", "admin",
    "123456", "key", "default", "insecure", "please-change", "none", "null",
)  # fmt: skip
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
KEY_PATHS = ("/.well-known/jwks.json", "/jwks.json", "/.well-known/public.pem", "/public.pem")
Forgery = tuple[str, str]  # what was tried, and the token


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """Sign by hand: libraries refuse what attackers do."""
    parts = [encoded(json.dumps(one).encode()) for one in (header, claims)]
    message = ".".join(parts).encode()
    digest = HASHES.get(str(header.get("alg")), hashlib.sha256)
    return ".".join([*parts, encoded(hmac.new(key, message, digest).digest())])


def unsigned(token: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return header and claims of a token, if it is a JWT."""
    try:
        return jwt.get_unverified_header(token), jwt.decode(
            token, options={"verify_signature": False}
        )
    except jwt.PyJWTError:
        return None


def victims_token(person: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of the victim's token; likely ones if it is no JWT."""
    likely = {"sub": str(person.id), "user_id": person.id, "email": person.email, "role": "admin"}
    header, claims = unsigned(person.access) or ({"alg": "HS256", "typ": "JWT"}, likely)
    now_s = int(time.time())
    return header, {**claims, "iat": now_s - 5, "exp": now_s + 3600}


@pytest.fixture
def expect_useless(acme: Any) -> Callable[[App, Iterator[Forgery]], None]:
    """Demand that forged tokens open nothing of the victim's."""

    def judge(app: App, forgeries: Iterator[Forgery]) -> None:
        tried = list(forgeries)
        calls = [
            Call("GET", path, headers={"Authorization": f"Bearer {token}"})
            for _, token in tried
            for path in ("/v2/me", "/v2/invoices")
        ]
        for index, answer in enumerate(app.send_all(calls, concurrency=4)):
            what = tried[index // 2][0]
            leaked = [one for one in acme.marks if one in answer.text]
            got = f"{what}: {answer}"
            expect(not leaked, "a token the service did not sign to open nothing", got, "", answer)

    return judge


@requirement("jwt-forgery")
def test_no_algorithm_is_no_signature(api: App, acme: Any, expect_useless: Any) -> None:
    header, claims = victims_token(acme.admin)
    own_header, own_claims = victims_token(acme.viewer)

    def forgeries() -> Iterator[Forgery]:
        for alg in ("none", "None", "NONE", "nOnE", ""):
            parts = [encoded(json.dumps(one).encode()) for one in ({**header, "alg": alg}, claims)]
            yield f"alg {alg!r} without a signature", ".".join([*parts, ""])
            yield f"alg {alg!r} with rubbish", ".".join([*parts, "AAAA"])
        parts = [encoded(json.dumps(one).encode()) for one in (header, claims)]
        yield "another signature", ".".join([*parts, encoded(b"\0" * 32)])
        yield "no signature", ".".join([*parts, ""])
        for extra in ({"role": "admin"}, {"is_staff": True}):
            parts = [encoded(json.dumps(one).encode()) for one in (own_header, claims | extra)]
            yield "someone else's signature", ".".join([*parts, acme.viewer.access.split(".")[-1]])

    expect_useless(api, forgeries())
    expect(own_claims["exp"] > 0, "claims to forge", own_claims)


@requirement("jwt-forgery")
def test_the_secret_is_in_no_list(api: App, acme: Any, expect_useless: Any) -> None:
    header, claims = victims_token(acme.admin)
    expect_useless(
        api,
        (
            (f"signed with the secret {secret!r}", signed({**header, "alg": alg}, claims, key))
            for alg in HASHES
            for secret in (*WEAK_SECRETS, "https://app.invoicing.example")
            for key in [secret.encode()]
            if alg == "HS256" or header.get("alg") == alg
        ),
    )


@requirement("jwt-forgery")
def test_the_token_does_not_choose_its_key(
    api: App, acme: Any, submission_dir: Path, expect_useless: Any
) -> None:
    header, claims = victims_token(acme.admin)
    header = {**header, "alg": "HS256"}
    known = (submission_dir / "submission.toml").read_bytes()

    def forgeries() -> Iterator[Forgery]:
        for up in ("", "/", "../", "../../", "../../../../../../", "../../../../../../../../../"):
            kid = f"{up}dev/null"
            yield f"kid {kid!r}, an empty key", signed({**header, "kid": kid}, claims, b"")
            for key in (known, known.strip()):
                kid = f"{up}submission.toml"
                yield f"kid {kid!r}, a known key", signed({**header, "kid": kid}, claims, key)
        injected = "x' UNION SELECT 'known"
        for kid in (injected, f"{injected}' -- "):
            yield f"kid {kid!r}", signed({**header, "kid": kid}, claims, b"known")
        own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
        token = jwt.encode(claims, own, "RS256", {"jwk": jwk, "kid": "own"})
        yield "a key of the attacker's in the header", token
        oct_key = {"kty": "oct", "k": encoded(b"known")}
        yield "a secret in the header", signed({**header, "jwk": oct_key}, claims, b"known")

    expect_useless(api, forgeries())


@requirement("jwt-forgery")
def test_a_public_key_is_no_secret(api: App, acme: Any, expect_useless: Any) -> None:
    header, claims = victims_token(acme.admin)
    published = [api.get(path) for path in KEY_PATHS]

    def forgeries() -> Iterator[Forgery]:
        yield "signed with nothing", signed({**header, "alg": "HS256"}, claims, b"")
        for answer in published:
            for key in forms_of(answer):
                for alg in HASHES:
                    token = signed({**header, "alg": alg}, claims, key)
                    yield f"{alg} with the public key of {answer.call.path}", token

    expect_useless(api, forgeries())


def forms_of(answer: Answer) -> Iterator[bytes]:
    """Yield what a published key may be taken for, as the bytes of a secret."""
    if answer.status != 200:
        return
    yield answer.body
    yield answer.body.strip()
    try:
        keys = json.loads(answer.text)["keys"]
    except (ValueError, KeyError, TypeError):
        return
    for one in keys:
        yield json.dumps(one).encode()
        for value in (one.get("x"), one.get("n")):
            if value:
                yield value.encode()
                yield base64.urlsafe_b64decode(value + "==")
        try:
            public = jwt.PyJWK(one, algorithm=one.get("alg")).key
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            yield from (pem, pem.strip())
            yield public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (jwt.PyJWTError, AttributeError, ValueError):
            continue


@requirement("jwt-forgery")
def test_tokens_for_other_purposes_open_nothing(
    api: App, acme: Any, settings: dict[str, str], expect_useless: Any
) -> None:
    header, claims = victims_token(acme.admin)
    secret = settings["SECRET_KEY"]

    def forgeries() -> Iterator[Forgery]:
        others = {"aud": "reporting", "iss": "reporting"}
        for key in (secret.encode(), bytes.fromhex(secret)):
            for change in (others, {"aud": "reporting"}):
                token = signed({**header, "alg": "HS256"}, {**claims, **change}, key)
                yield "a token of the reporting service, for itself", token
            bare = {one: value for one, value in claims.items() if one not in ("aud", "iss")}
            yield "without any audience", signed({**header, "alg": "HS256"}, bare, key)
        yield "a refresh token instead of an access token", acme.admin.refresh

    expect_useless(api, forgeries())


@requirement("jwt-forgery")
def test_an_access_token_expires(brief: App, make: Any) -> None:
    ann = make.person(brief)
    stays_s = 1.0
    time.sleep(stays_s + 1.2)  # the promise is about time; a JWT's clock counts whole seconds
    answer = ann.get("/v2/me")
    expect(ann.email not in answer.text, "an expired token to open nothing", answer, "", answer)
    body = {"refresh_token": ann.refresh}
    brief.post("/v2/auth/refresh", json=body).expect(200, "the session itself goes on")


@requirement("session-revocation")
def test_a_logout_ends_the_session_on_all_replicas(api: App, make: Any) -> None:
    ann = make.person(api)
    other = ann.elsewhere()
    expect(all(ann.opens(at) for at in (0, 1)), "the session to work at first", ann.get("/v2/me"))
    answer = ann.post("/v2/auth/logout", at=0)
    expect_over(ann, "a logout", answer)
    expect(other.works(), "the session on another device to go on", other.get("/v2/me"))


def expect_over(person: Any, what: str, answer: Answer) -> None:
    """Demand that neither token of a session opens anything, on any replica."""
    for at in (0, 1):
        got = person.get("/v2/me", at=at)
        expected = f"nothing for a token from before {what}, on replica {at}"
        expect(person.email not in got.text, expected, got, "", got)
    body = {"refresh_token": person.refresh}
    again = person.app.replicas[1].post("/v2/auth/refresh", json=body)
    expected = f"no new tokens for a refresh token from before {what}"
    gained = again.status == 200 and "access_token" in again.text
    expect(not gained, expected, f"{again}, after {answer}", "", again)


@requirement("session-revocation")
def test_a_new_password_ends_all_other_sessions(
    api: App, make: Any, reset_link: Callable[..., tuple[str, str]]
) -> None:
    ann = make.person(api)
    thief, new = ann.elsewhere(), make.password()
    expect(all(thief.opens(at) for at in (0, 1)), "two sessions at first", thief.get("/v2/me"))
    body = {"old_password": ann.password, "new_password": new}
    answer = ann.post("/v2/auth/password", json=body).expect({200, 204}, "the password is right")
    expect_over(thief, "the change of the password", answer)
    ann.password = new
    thief = ann.elsewhere()
    _, token = reset_link(ann)
    reset = {"token": token, "new_password": make.password()}
    answer = api.post("/v2/auth/reset", json=reset).expect({200, 204}, "the token is new")
    expect_over(thief, "the reset of the password", answer)


@requirement("session-revocation")
def test_a_role_ends_with_the_next_request(api: App, make: Any) -> None:
    ann = make.person(api)
    bob = make.colleague(ann, "admin")
    expect(all(bob.get("/v2/users", at=at).status == 200 for at in (0, 1)), "an admin at first", "")
    answer = ann.patch(f"/v2/users/{bob.id}", json={"role": "viewer"}, at=0)
    answer.expect(200, "admins give roles")
    for at in (1, 0):
        got = bob.get("/v2/users", at=at)
        expected = f"no list of users for a viewer who was an admin, on replica {at}"
        expect(ann.email not in got.text, expected, got, "", got)
        made = make.word("x") + "@example.com"
        body = {"email": made, "name": "x", "password": make.password(), "role": "admin"}
        got = bob.post("/v2/users", json=body, at=at)
        there = made in ann.get("/v2/users").text
        expect(not there, "no user made by a viewer who was an admin", got, "", got)


@requirement("session-revocation")
def test_who_is_deleted_or_suspended_is_out(api: App, make: Any, staff: Any) -> None:
    ann = make.person(api)
    bob = make.colleague(ann, "member")
    expect(all(bob.opens(at) for at in (0, 1)), "the session to work at first", bob.get("/v2/me"))
    answer = ann.delete(f"/v2/users/{bob.id}", at=0)
    expect_over(bob, "the account was deleted", answer)
    id_ = ann.get("/v2/me").json().get("organisation_id")
    path = f"/v2/admin/organisations/{id_}/suspend"
    staff.post(path, json={"suspended": True}).expect({200, 204}, "staff suspends")
    for at in (1, 0):
        got = ann.get("/v2/me", at=at)
        expect(ann.email not in got.text, "nothing while suspended", got, "", got)


@requirement("session-revocation")
def test_a_refresh_token_works_once(api: App, make: Any) -> None:
    ann = make.person(api)
    body = {"refresh_token": ann.refresh}
    first = api.post("/v2/auth/refresh", json=body).expect(200, "it is new")
    again = api.replicas[1].post("/v2/auth/refresh", json=body)
    gained = again.status == 200 and "access_token" in again.text
    expect(not gained, "no tokens for a refresh token that was used", again, "", again)
    for _ in range(4):
        racer = ann.elsewhere()
        call = Call("POST", "/v2/auth/refresh", {"refresh_token": racer.refresh})
        answers = api.send_all([call] * 12, concurrency=12)
        pairs = [one for one in answers if one.status == 200 and "access_token" in one.text]
        got = f"{len(pairs)} pairs of tokens"
        expect(len(pairs) <= 1, "one pair at most for 12 uses at once", got, "", answers[0])
    expect(first.status == 200, "the first use to work", first)
