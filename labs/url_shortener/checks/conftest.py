"""What the checks of this lab share: making links, following them, waiting, seeding."""

import csv
import random
import string
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from graders.checks import Answer, App, Call, Replica, expect

BASE62 = string.digits + string.ascii_letters
REDIRECTS = {301, 302, 307, 308}
CONSECUTIVE_LINKS = 200
MOVED_LINKS = 20_000
LOAD_LINKS = 100_000
CLICKS_WITHIN_S = 3.0
VERIFIED_COUNTERS = 100
ASKS_REDIS_WITHIN_S = 3.0

Target = App | Replica


@pytest.fixture
def new_url(rng: random.Random) -> Callable[[], str]:
    """Make a URL nobody used before."""
    return lambda: f"https://example.com/{rng.getrandbits(64):x}?page={rng.randrange(1000)}"


@pytest.fixture
def new_alias(rng: random.Random) -> Callable[[], str]:
    """Make an alias nobody used before, longer than any generated code."""
    return lambda: "a-" + "".join(rng.choices(BASE62, k=14))


@pytest.fixture(scope="session")
def created() -> Callable[[Answer], dict[str, Any]]:
    """Judge the answer to a POST that must be accepted; the body of the 201."""
    return _created


def _created(answer: Answer) -> dict[str, Any]:
    answer.expect(201, "a valid link is created", "Read the service's log for the reason.")
    body = answer.json()
    code = body.get("code") if isinstance(body, dict) else None
    step = "Compare the body with the contract's table of calls."
    expected = 'a JSON object with a "code", a text that is not empty'
    expect(isinstance(code, str) and code != "", expected, body, step, answer)
    return dict(body)


@pytest.fixture(scope="session")
def create() -> Callable[..., dict[str, Any]]:
    """Create a link that must be accepted; the body of the 201."""
    return lambda target, url, **fields: _created(
        target.post("/api/links", json={"url": url, **fields})
    )


@pytest.fixture
def some_links(new_url: Callable[[], str]) -> Callable[[Target, int], dict[str, str]]:
    """Create links in parallel; the URL of each code."""

    def make(target: Target, count: int) -> dict[str, str]:
        urls = [new_url() for _ in range(count)]
        answers = target.send_all([Call("POST", "/api/links", {"url": url}) for url in urls])
        return {_created(a)["code"]: url for a, url in zip(answers, urls, strict=True)}

    return make


@pytest.fixture(scope="session")
def leads_to() -> Callable[[Answer, str], bool]:
    """Say whether an answer redirects to exactly this URL."""
    return _leads_to


def _leads_to(answer: Answer, url: str) -> bool:
    return answer.status in REDIRECTS and answer.headers.get("location") in _spellings(url)


def _spellings(url: str) -> set[str]:
    """Return the forms of `url` that lead to the same place: unicode may be percent-encoded."""
    upper = "".join(char if char.isascii() else quote(char) for char in url)
    lower = "".join(char if char.isascii() else quote(char).lower() for char in url)
    return {url, upper, lower}


@pytest.fixture(scope="session")
def expect_redirect() -> Callable[..., None]:
    """Judge the answer to `GET /code`, which must lead to `url`."""
    return _expect_redirect


def _expect_redirect(answer: Answer, code: str, url: str, next_step: str = "") -> None:
    step = next_step or "Store the URL as it was sent and copy it into Location unchanged."
    expected = f"GET /{code} redirects (301, 302, 307 or 308) to {url}"
    expect(_leads_to(answer, url), expected, answer, step, answer)


@pytest.fixture(scope="session")
def follow() -> Callable[..., None]:
    """Ask for a code that must redirect to `url`."""
    return lambda target, code, url, next_step="": _expect_redirect(
        target.get(f"/{code}"), code, url, next_step
    )


@pytest.fixture(scope="session")
def follow_all() -> Callable[..., None]:
    """Ask for many codes, `at_once` in parallel; each must redirect within `limit_s`."""

    def judge(
        target: Target, links: dict[str, str], step: str, limit_s: float = 5.0, at_once: int = 20
    ) -> None:
        calls = [Call("GET", f"/{code}") for code in links]
        answers = target.send_all(calls, at_once, limit_s + 2)
        for (code, url), answer in zip(links.items(), answers, strict=True):
            _expect_redirect(answer, code, url, step)
            expected = f"GET /{code} within {limit_s} s, {at_once} asked at once"
            expect(answer.elapsed_s <= limit_s, expected, f"{answer.elapsed_s:.2f} s", step, answer)

    return judge


@pytest.fixture(scope="session")
def use_redis(follow_all: Callable[..., None]) -> Callable[[App, dict[str, str]], None]:
    """Follow links until each replica asks Redis again after a fault, or for some seconds."""

    def use(app: App, links: dict[str, str]) -> None:
        for replica in app.replicas:
            deadline_s, asked = time.monotonic() + ASKS_REDIS_WITHIN_S, 0
            while asked < len(links) and time.monotonic() < deadline_s:
                before = int(app.redis.client.info("stats")["total_commands_processed"])
                follow_all(replica, links, "No fault is at work here.")
                asked = int(app.redis.client.info("stats")["total_commands_processed"]) - before
                time.sleep(0.05)

    return use


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Answer]:
    """Ask until the answer is good or `within_s` is over; the last answer."""

    def wait(ask: Callable[[], Answer], good: Callable[[Answer], bool], within_s: float) -> Answer:
        deadline_s = time.monotonic() + within_s
        while True:
            asked_at_s = time.monotonic()
            answer = ask()
            # A question asked too early says nothing about the deadline, however late its answer.
            if good(answer) or asked_at_s >= deadline_s:
                return answer
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def expect_gone(eventually: Callable[..., Answer]) -> Callable[..., None]:
    """Ask for a code until it answers 410, which must happen within `within_s`."""

    def judge(target: Target, code: str, within_s: float, step: str) -> None:
        answer = eventually(lambda: target.get(f"/{code}"), lambda a: a.status == 410, within_s)
        expected = f"GET /{code} answers 410 by now, at {target.base_url}"
        expect(answer.status == 410, expected, answer, step, answer)

    return judge


@pytest.fixture(scope="session")
def spread() -> Callable[..., list[Answer]]:
    """Send calls to all replicas at once, call i to replica i mod n; answers in order."""

    def send(replicas: Sequence[Replica], calls: Sequence[Call], at_once: int) -> list[Answer]:
        count = len(replicas)
        shares = [calls[index::count] for index in range(count)]
        with ThreadPoolExecutor(count) as pool:
            parts = list(pool.map(Replica.send_all, replicas, shares, [at_once // count] * count))
        return [parts[index % count][index // count] for index in range(len(calls))]

    return send


@pytest.fixture(scope="session")
def pair(app_factory: Callable[..., Any]) -> Iterator[App]:
    """Two replicas; their ways to PostgreSQL and Redis can be disturbed."""
    with app_factory(replicas=2, faults=True) as app:
        yield app


@pytest.fixture(scope="session")
def consecutive(app: App, seed: int) -> list[tuple[str, Answer]]:
    """Links created one after the other by one client: each URL with its answer, not judged."""
    urls = [f"https://example.com/{seed}/{number}" for number in range(CONSECUTIVE_LINKS)]
    calls = [Call("POST", "/api/links", {"url": url}) for url in urls]
    return list(zip(urls, app.send_all(calls, concurrency=1), strict=True))


@pytest.fixture(scope="session")
def write_links(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> Callable[..., tuple[Path, dict[str, str]]]:
    """Write a CSV file of links to import; the file, and the URL of each code."""
    folder, used = tmp_path_factory.mktemp("links"), set[str]()

    def write(name: str, count: int, codes: Sequence[str] = ()) -> tuple[Path, dict[str, str]]:
        rng, wanted = random.Random(f"{seed}:{name}"), dict.fromkeys(codes)
        while len(wanted) < count:
            code = "".join(rng.choices(BASE62, k=7))
            if code not in used:
                wanted[code] = None
        used.update(wanted)
        links = {code: f"https://example.com/{rng.getrandbits(64):x}?a=1,2" for code in wanted}
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("code", "url"), *links.items()])
        return folder / name, links

    return write


@pytest.fixture(scope="session")
def moved(
    pair: App, consecutive: list[tuple[str, Answer]], write_links: Callable[..., Any]
) -> dict[str, str]:
    """Links imported into the pair: the URL of each code."""
    # Another installation just gave out some of these; a generator may repeat itself.
    codes = [str(a.json().get("code")) for _, a in consecutive[:30:3] if a.status == 201]
    path, links = write_links("moved.csv", MOVED_LINKS, [code for code in codes if len(code) == 7])
    pair.run_task("import", file=path)
    return dict(links)


@pytest.fixture(scope="session")
def verify_load(
    expect_redirect: Callable[..., None], eventually: Callable[..., Answer]
) -> Callable[[App, Sequence[dict[str, Any]]], None]:
    """Demand that the database kept what was answered under load: new links, and clicks."""

    def verify(app: App, acknowledged: Sequence[dict[str, Any]]) -> None:
        follows = Counter(one["followed"] for one in acknowledged if "followed" in one)
        for code, least in follows.most_common(VERIFIED_COUNTERS):
            _expect_clicks(app, code, least, eventually)
        app.redis.flush()
        app.replicas[0].restart()
        created = [one["created"] for one in acknowledged if "created" in one]
        answers = app.send_all([Call("GET", f"/{link['code']}") for link in created], 20)
        for link, answer in zip(created, answers, strict=True):
            step = "Commit a link before you answer 201: here Redis was empty and you just started."
            expect_redirect(answer, link["code"], link["url"], step)

    return verify


def _expect_clicks(app: App, code: str, least: int, eventually: Callable[..., Answer]) -> None:
    def counted(answer: Answer) -> bool:
        return answer.status == 200 and answer.json().get("clicks", 0) >= least

    answer = eventually(lambda: app.get(f"/api/links/{code}"), counted, CLICKS_WITHIN_S)
    expected = f"at least {least} clicks of {code}, as many as were redirected under load"
    expect(counted(answer), expected, answer, "Lose no click when many come at once.", answer)


@pytest.fixture(scope="session")
def prepare_load(
    seed: int, write_links: Callable[..., Any]
) -> Callable[[App, int | None], dict[str, str]]:
    """Import the links that the load asks for; the same ones for everybody who is compared."""
    path, _ = write_links("load.csv", LOAD_LINKS)

    def prepare(app: App, _size: int | None) -> dict[str, str]:
        app.run_task("import", file=path)
        return {"LINKS_CSV": str(path), "LAB_SEED": str(seed)}

    return prepare
