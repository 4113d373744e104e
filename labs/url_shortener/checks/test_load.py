"""Stage load: growth of the work per redirect, and the learner's estimate.

The limits on load profiles are in lab.toml; the engine makes checks of their own out of them.
"""

import itertools
import math
import random
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graders.checks import App, Call, expect, requirement

ExpectRedirect = Callable[..., None]
Record = Callable[[str, float], None]
WriteLinks = Callable[..., dict[str, str]]

LINKS = 20_000
GROWTH = 4
COLD_REDIRECTS = 200
MAX_RATIO = 2.0
FLOOR = 1.0  # blocks or rows per redirect; below it a ratio says nothing
ZIPF_REDIRECTS = 500
ZIPF_EXPONENT = 1.1
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
    """What a redirect of a link that no cache knows costs, on the average, among `links` links."""

    links: int
    blocks: float
    rows: float
    size_bytes: int


@pytest.fixture
def follow_all(expect_redirect: ExpectRedirect) -> Callable[[App, Sequence[tuple[str, str]]], None]:
    """Follow imported links, given as code and URL, some at once; each must redirect."""

    def follow(app: App, links: Sequence[tuple[str, str]]) -> None:
        answers = app.send_all([Call("GET", f"/{code}") for code, _ in links], concurrency=10)
        step = "After the import task every code of the file redirects to its URL."
        for (code, url), answer in zip(links, answers, strict=True):
            expect_redirect(answer, code, url, step)

    return follow


@pytest.fixture
def cost_among(
    app_factory: Callable[..., Any],
    write_links: WriteLinks,
    follow_all: Callable[..., None],
    rng: random.Random,
    tmp_path: Path,
) -> Callable[[int], Cost]:
    """Measure a service of its own with so many imported links."""

    def measure(count: int) -> Cost:
        links = write_links(tmp_path / f"{count}.csv", count, rng)
        with app_factory() as app:
            app.run_task("import", file=str(tmp_path / f"{count}.csv"))
            app.redis.flush()
            before, size_bytes = app.postgres.work(), app.postgres.size_bytes()
            follow_all(app, rng.sample(sorted(links.items()), COLD_REDIRECTS))
            app.stop()
            work = app.postgres.work() - before
        per_redirect = (work.blocks / COLD_REDIRECTS, work.rows / COLD_REDIRECTS)
        return Cost(count, *per_redirect, size_bytes)

    return measure


@requirement("flat-growth")
def test_a_redirect_costs_the_same_among_four_times_the_links(
    cost_among: Callable[[int], Cost], record: Record
) -> None:
    few, many = cost_among(LINKS), cost_among(GROWTH * LINKS)
    record("bytes_per_link", (many.size_bytes - few.size_bytes) / (many.links - few.links))
    step = "Look a code up through an index on exactly that column: EXPLAIN must not say Seq Scan."
    for what, at_few, at_many in (
        ("blocks", few.blocks, many.blocks),
        ("rows", few.rows, many.rows),
    ):
        limit = MAX_RATIO * max(at_few, FLOOR)
        got = f"{at_many:.1f} {what} per redirect; with {few.links:,} links it was {at_few:.1f}"
        expected = f"at most {limit:.1f} {what} per redirect with {many.links:,} links"
        expect(at_many <= limit, expected, got, step)


def zipf_sample(
    links: Sequence[tuple[str, str]], count: int, rng: random.Random
) -> list[tuple[str, str]]:
    weights = [1 / rank**ZIPF_EXPONENT for rank in range(1, len(links) + 1)]
    return rng.choices(links, cum_weights=list(itertools.accumulate(weights)), k=count)


@requirement("cached-redirects")
def test_popular_links_are_followed_right_with_a_warm_cache(
    app: App,
    follow_all: Callable[..., None],
    write_links: WriteLinks,
    record: Record,
    rng: random.Random,
    tmp_path: Path,
) -> None:
    links = list(write_links(tmp_path / "popular.csv", LINKS, rng).items())
    app.run_task("import", file=str(tmp_path / "popular.csv"))
    app.redis.flush()
    before = app.redis.client.info("stats")
    follow_all(app, zipf_sample(links, ZIPF_REDIRECTS, rng))
    after = app.redis.client.info("stats")
    hits, misses = (after[key] - before[key] for key in ("keyspace_hits", "keyspace_misses"))
    if hits + misses > 0:  # a service that never reads from Redis has no such figure
        record("hit_ratio", max(0.0, 1 - misses / ZIPF_REDIRECTS))


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
