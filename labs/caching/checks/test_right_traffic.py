"""Stage right: versions read beside writes, each within the window it may be from."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from graders.checks import Answer, CheckFailed, Inconclusive, expect, requirement

from .catalogue import Product
from .site import ELSEWHERE_WITHIN_S, Site

TRAFFIC_S = 5.0
PRODUCTS = 8
READERS = 4
LEAST_WRITES, LEAST_READS = 10, 40


@dataclass(frozen=True)
class Event:
    """A read or a write of a product: where, from when to when, and which version came back."""

    product: str
    at: int
    started_s: float
    ended_s: float
    version: int
    curl: str


@dataclass(frozen=True)
class History:
    """What was read and written, in no order."""

    reads: Sequence[Event]
    writes: Sequence[Event]

    def least_version(self, read: Event, *, elsewhere: bool) -> int:
        """Return the oldest version a read may show, going by writes of its replica or others."""
        grace_s = ELSEWHERE_WITHIN_S if elsewhere else 0.0
        return max(
            (
                one.version
                for one in self.writes
                if one.product == read.product
                and (one.at != read.at) == elsewhere
                and one.ended_s + grace_s <= read.started_s
            ),
            default=0,
        )


@pytest.fixture(scope="module")
def history(site: Site) -> History:
    """Four readers and two writers, one on each replica, on a few products for some seconds."""
    site.settle()  # a fixture of a module comes before those of its checks
    products = site.new(PRODUCTS)
    reads: list[Event] = []
    writes: list[Event] = []
    ends_s = time.monotonic() + TRAFFIC_S
    failed = threading.Event()

    def use(at: int, mine: Sequence[Product], kept: list[Event], *, writing: bool) -> None:
        for turn in range(1 << 30):
            if time.monotonic() > ends_s or failed.is_set():
                return
            product, started_s = mine[turn % len(mine)], time.monotonic()
            answer = site.put(product, at) if writing else site.ask(product.path, at)
            kept.append(event(product.id, at, started_s, answer))
            time.sleep(0.1 if writing else 0.01)

    def guarded(*arguments: Any, **options: Any) -> None:
        try:
            use(*arguments, **options)
        except CheckFailed:
            failed.set()
            raise

    with ThreadPoolExecutor(READERS + 2) as pool:
        working = [pool.submit(guarded, at, products[at::2], writes, writing=True) for at in (0, 1)]
        for number in range(READERS):
            theirs = [*products[number:], *products[:number]]
            working.append(pool.submit(guarded, number % 2, theirs, reads, writing=False))
        for one in working:
            one.result()
    return History(reads, writes)


def event(product: str, at: int, started_s: float, answer: Answer) -> Event:
    answer.expect({200, 201}, "the product exists and the origin is well")
    version = answer.json().get("version")
    expect(isinstance(version, int), "the version in the answer", answer, "", answer)
    return Event(product, at, started_s, time.monotonic(), version, answer.curl)


def expect_no_older(history: History, *, elsewhere: bool, step: str) -> None:
    """Judge every read that comes after a write: of its own replica's, or of another's."""
    bound = [(read, history.least_version(read, elsewhere=elsewhere)) for read in history.reads]
    bound = [(read, least) for read, least in bound if least]
    if len(history.writes) < LEAST_WRITES or len(bound) < LEAST_READS:
        raise Inconclusive(
            f"{len(history.writes)} writes and {len(bound)} reads after them say too little."
        )
    stale = [(read, least) for read, least in bound if read.version < least]
    first = f", the first: version {stale[0][0].version}, not {stale[0][1]}" if stale else ""
    where = stale[0][0].curl if stale else ""
    expected = f"none of {len(bound)} reads older than a write before them"
    expect(not stale, expected, f"{len(stale)} of them are{first}", step, where=where)


@requirement("read-your-writes")
def test_beside_traffic_no_read_is_older_than_a_write_of_its_replica(history: History) -> None:
    step = "A read that begins after your answer to a write must find the write."
    expect_no_older(history, elsewhere=False, step=step)


@requirement("invalidates-everywhere")
def test_beside_traffic_no_read_is_older_than_a_write_elsewhere_a_second_ago(
    history: History,
) -> None:
    step = "A second after the answer to a write, every replica must have heard of it."
    expect_no_older(history, elsewhere=True, step=step)
