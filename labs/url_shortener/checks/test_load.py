"""Stage load: growth of the work per redirect, the hit ratio, and the learner's estimate.

The limits on load profiles are in lab.toml; the engine makes checks of their own out of them.
"""

import itertools
import math
import random
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graders.checks import Answer, App, Call, expect, requirement

Eventually = Callable[..., Answer]
FollowAll = Callable[..., None]
Record = Callable[[str, float], None]
WriteLinks = Callable[..., tuple[Path, dict[str, str]]]

GROWTH = 4
COLD_REDIRECTS = 100
MAX_RATIO = 2.0
FLOOR = 8.0  # blocks or rows per redirect: a few index levels and a click are nothing that grows
RECOVERS_WITHIN_S = 5.0
CLICKS_WITHIN_S = 3.0
ZIPF_REDIRECTS = 300
ZIPF_EXPONENT = 1.1
IMPORTED = "After the import task every code of the file redirects to its URL."
# The largest value that can be meant; hit_ratio 95 would be a percentage.
ESTIMATES = {
    "bytes_per_link": 1e6,
    "sql_statements_per_redirect": 1e3,
    "redis_commands_per_redirect": 1e3,
    "hit_ratio": 1.0,
    "p95_ms": 6e4,
    "knee_rps": 1e7,
}


@dataclass(frozen=True)
class Cost:
    """What a redirect that no cache knows costs on the average, among so many links."""

    blocks: float
    rows: float
    size_bytes: int


@pytest.fixture
def cost_among(
    pair: App, follow_all: FollowAll, eventually: Eventually, rng: random.Random
) -> Callable[[dict[str, str]], Cost]:
    """Measure redirects of some of the imported links; the tables hold all of them."""

    def measure(links: dict[str, str]) -> Cost:
        before = booked_work(pair)
        # This is measured too, but it is little.
        expect_connected_again(pair, eventually, rng)
        pair.redis.flush()
        asked = dict(rng.sample(list(links.items()), COLD_REDIRECTS))
        follow_all(pair, asked, IMPORTED)
        wait_for_click(pair, list(asked)[-1], eventually)
        work = booked_work(pair)
        expect_connected_again(pair, eventually, rng)
        blocks, rows = work.blocks - before.blocks, work.rows - before.rows
        size_bytes = pair.postgres.size_bytes()
        return Cost(blocks / COLD_REDIRECTS, rows / COLD_REDIRECTS, size_bytes)

    return measure


def booked_work(app: App) -> Any:
    """Close the service's connections, which is when PostgreSQL books their work, and read it."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    pids = [pid for (pid,) in app.postgres.fetch(f"SELECT pid {others}")]
    app.postgres.cut_connections()
    while app.postgres.fetch(f"SELECT pid {others} AND pid = ANY(%s)", pids):
        time.sleep(0.01)
    return app.postgres.work()


def wait_for_click(app: App, code: str, eventually: Eventually) -> None:
    """Let clicks be written that wait in a batch; a redirect has cost what it costs only then."""

    def counted(answer: Answer) -> bool:
        return answer.status == 200 and answer.json().get("clicks") == 1

    eventually(lambda: app.get(f"/api/links/{code}"), counted, CLICKS_WITHIN_S)


def expect_connected_again(app: App, eventually: Eventually, rng: random.Random) -> None:
    """Ask for unknown codes until every replica has replaced the connections it lost."""

    def worst() -> Answer:
        calls = [Call("GET", f"/{rng.getrandbits(128):032x}") for _ in range(12)]
        answers = [answer for replica in app.replicas for answer in replica.send_all(calls)]
        return max(answers, key=lambda answer: answer.status or 599)

    answer = eventually(worst, lambda one: one.status == 404, RECOVERS_WITHIN_S)
    answer.expect(404, "the code is unknown, and broken connections were replaced after 5 s")


@requirement("flat-growth")
def test_a_redirect_costs_the_same_among_four_times_the_links(
    pair: App,
    moved: dict[str, str],
    write_links: WriteLinks,
    cost_among: Callable[[dict[str, str]], Cost],
    record: Record,
    growth: Callable[..., None],
) -> None:
    few = cost_among(moved)
    before_bytes, more_links = pair.postgres.size_bytes(), (GROWTH - 1) * len(moved)
    path, more = write_links("more.csv", more_links)
    pair.run_task("import", file=path)
    record("bytes_per_link", (pair.postgres.size_bytes() - before_bytes) / more_links)
    many = cost_among(moved | more)
    sizes = (len(moved), len(moved | more))
    for what, costs in (("blocks", (few.blocks, many.blocks)), ("rows", (few.rows, many.rows))):
        values = dict(zip(sizes, costs, strict=True))
        title = f"Database {what} per redirect"
        growth(title, values, size_unit="links", max=allowed(costs[0]), requirement="flat-growth")
    expect_flat("blocks", few.blocks, many.blocks)
    expect_flat("rows", few.rows, many.rows)


def allowed(at_few: float) -> float:
    return MAX_RATIO * max(at_few, FLOOR)


def expect_flat(what: str, at_few: float, at_many: float) -> None:
    limit = allowed(at_few)
    expected = f"at most {limit:.1f} {what} per redirect with {GROWTH} times the links"
    got = f"{at_many:.1f} {what} per redirect, after {at_few:.1f} with fewer links"
    step = "Look a code up through an index on exactly that column: EXPLAIN must not say Seq Scan."
    expect(at_many <= limit, expected, got, step)


@requirement("cached-redirects")
def test_popular_links_are_followed_right_from_an_empty_cache_on(
    pair: App,
    moved: Mapping[str, str],
    expect_redirect: Callable[..., None],
    record: Record,
    rng: random.Random,
) -> None:
    codes = list(moved)
    weights = [1 / rank**ZIPF_EXPONENT for rank in range(1, len(codes) + 1)]
    drawn = rng.choices(codes, cum_weights=list(itertools.accumulate(weights)), k=ZIPF_REDIRECTS)
    pair.redis.flush()
    hits = int(pair.redis.client.info("stats")["keyspace_hits"])
    answers = pair.send_all([Call("GET", f"/{code}") for code in drawn], concurrency=10)
    for code, answer in zip(drawn, answers, strict=True):
        expect_redirect(answer, code, moved[code], IMPORTED)
    found = int(pair.redis.client.info("stats")["keyspace_hits"]) - hits
    if found:  # a service that reads nothing from Redis has no such figure
        record("hit_ratio", min(1.0, found / ZIPF_REDIRECTS))


@requirement("estimate")
def test_the_estimate_is_there_and_complete(submission_dir: Path) -> None:
    path = submission_dir / "estimate.toml"
    step = "The handout lists the six keys; work each out on paper before you measure."
    expect(path.is_file(), "a file estimate.toml beside submission.toml", "no such file", step)
    estimate = read_toml(path)
    for key, largest in ESTIMATES.items():
        got = estimate.get(key, "nothing")
        number = isinstance(got, int | float) and not isinstance(got, bool)
        right = number and math.isfinite(got) and 0 <= got <= largest
        expect(right, f"{key} = a number from 0 to {largest:,.0f}", got, step)
    wrong = [key for key in ("bytes_per_link", "p95_ms", "knee_rps") if estimate[key] == 0]
    expect(wrong == [], "figures above 0 for size, latency and knee", f"0 for {wrong}", step)


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        expect(False, "estimate.toml is TOML", error, "key = number, one on each line")
        raise
