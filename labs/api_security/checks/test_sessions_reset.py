"""Stage sessions: links that give a new password."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from graders.checks import App, Call, expect, requirement

FAST = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b")


@requirement("reset-token")
def test_reset_tokens_are_long_random_and_all_different(
    api: App, make: Any, reset_link: Callable[..., tuple[str, str]]
) -> None:
    people = [make.person(api) for _ in range(2)]
    before_s = time.time()
    tokens = [reset_link(one)[1] for one in people for _ in range(4)]
    expect(len(set(tokens)) == len(tokens), "a new token each time", tokens)
    short = [one for one in tokens if len(one) < 20]
    expect(not short, "at least 20 characters each, for 120 bits", short)
    common = len(shared_start(tokens)) + len(shared_start([one[::-1] for one in tokens]))
    varying = min(len(one) for one in tokens) - common
    expect(varying >= 16, "16 characters or more that differ from token to token", tokens[:2])
    guesses = {one: text for text in predictable(people, before_s) for one in digests(text)}
    guessed = [guesses[one] for one in tokens if one in guesses]
    expect(not guessed, "tokens nobody can work out", f"a hash of {guessed[:1]}")


def shared_start(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    same = [a == b for a, b in zip(first, last, strict=False)]
    return first[: same.index(False)] if False in same else first


def predictable(people: list[Any], since_s: float) -> Iterator[str]:
    seconds = [str(int(since_s) + n) for n in range(-2, 30)]
    for person in people:
        for base in (person.email, str(person.id)):
            yield base
            for second in seconds:
                yield from (base + second, f"{base}:{second}", second + base, f"{base}-{second}")


def digests(text: str) -> list[str]:
    return [hashlib.new(name, text.encode()).hexdigest() for name in FAST]


@requirement("reset-token")
def test_a_reset_token_works_once_also_in_a_race(
    api: App, make: Any, reset_link: Callable[..., tuple[str, str]], log_in: Any, got_in: Any
) -> None:
    ann, second = make.person(api), make.password()
    _, token = reset_link(ann)
    body = {"token": token, "new_password": make.password()}
    api.post("/v2/auth/reset", json=body).expect({200, 204}, "the token is new")
    answer = api.replicas[1].post("/v2/auth/reset", json={**body, "new_password": second})
    gained = got_in(api, log_in(api, ann.email, second))
    expect(not gained, "a used token to change nothing", answer, "", answer)
    for _ in range(3):
        _, token = reset_link(ann)
        calls = [
            Call("POST", "/v2/auth/reset", {"token": token, "new_password": make.password()})
            for _ in range(8)
        ]
        used = [one for one in api.send_all(calls, concurrency=8) if one.status in (200, 204)]
        got = f"{len(used)} of 8"
        expect(
            len(used) == 1, "one of 8 uses at once to succeed", got, "", used[0] if used else None
        )


@requirement("reset-token")
def test_a_reset_token_expires(
    brief: App, make: Any, reset_link: Callable[..., tuple[str, str]], log_in: Any, got_in: Any
) -> None:
    ann, new = make.person(brief), make.password()
    _, token = reset_link(ann)
    time.sleep(1.5)  # RESET_TTL_S is 1
    answer = brief.post("/v2/auth/reset", json={"token": token, "new_password": new})
    gained = got_in(brief, log_in(brief, ann.email, new))
    expect(not gained, "a token older than RESET_TTL_S to change nothing", answer, "", answer)
    expect(got_in(brief, log_in(brief, ann.email, ann.password)), "the old password to stay", "")


@requirement("reset-token")
def test_a_reset_token_is_useless_in_a_dump(
    api: App, make: Any, reset_link: Callable[..., tuple[str, str]], dump: Callable[[App], Any]
) -> None:
    _, token = reset_link(make.person(api))
    found = dump(api).holding(token)
    expect(not found, "no usable reset token in the dump", found)
    expect(len(token) > 0, "a token to look for", token)


@requirement("reset-token")
def test_the_link_leads_to_the_application_whatever_the_request_says(
    api: App, make: Any, reset_link: Callable[..., tuple[str, str]]
) -> None:
    ann = make.person(api)
    for header in ("Host", "X-Forwarded-Host", "Forwarded", "Origin", "Referer"):
        value = "host=evil.example" if header == "Forwarded" else "evil.example"
        link, _ = reset_link(ann, **{header: value})
        host = urlsplit(link).netloc
        got = f"{link}, with the header {header}: {value}"
        expect(host == "app.invoicing.example", "a link that begins with PUBLIC_URL", got)
    expect(json.dumps(link) != "", "a link", link)
