"""Stage crowds: many different things at once, and entries that were made together."""

import statistics
import time
from collections.abc import Sequence
from typing import Any

from graders.checks import Call, Inconclusive, expect, requirement

from .catalogue import Product
from .site import Site

COLD_PRODUCTS, COLD_CLIENTS, COLD_CALL_S = 1000, 100, 0.02
TTL_S = 12.0
MADE_TOGETHER = 1000
GROUPS, GROUP_SIZE = 12, 24  # of the last ones made: few enough to ask for each at the age it has
FIRST_AGE, LAST_AGE = 0.5, 1.05  # of CACHE_TTL_S
WINDOW = 0.1  # the contract: lifetimes are spread over at least a fifth of CACHE_TTL_S
MOST_IN_A_WINDOW = 0.8
LEAST_IN_A_BIN = 8


# ------------------------------------------------------------------ avalanche


@requirement("avalanche")
def test_many_cold_products_never_cost_more_than_eight_calls_at_a_time(site: Site) -> None:
    products = site.new(COLD_PRODUCTS)
    mark = site.mark()
    calls = [Call("GET", product.path) for product in products]
    with site.origin.taking(COLD_CALL_S):
        answers = site.ask_all(calls, at_once=COLD_CLIENTS)
    calls_made, width = site.origin.calls[mark:], site.origin.width
    refused = sum(one.refused for one in calls_made)
    most = max((one.beside for one in calls_made), default=0)
    expected = f"at most {width} calls of the origin at a time, from both replicas together"
    step = "Let calls wait for their turn: four in each of two replicas, or eight in Redis."
    expect(refused == 0, expected, f"{most} at a time; it refused {refused} with 503", step)
    for answer in answers:
        site.expect_true(answer, answer.call.path, None, step)


@requirement("avalanche")
def test_entries_that_were_made_together_do_not_end_together(new_site: Any) -> None:
    with new_site(ttl_s=TTL_S, stale_s=30) as site:
        others = site.new(MADE_TOGETHER - GROUPS * GROUP_SIZE)
        groups = [site.new(GROUP_SIZE) for _ in range(GROUPS)]
        with site.origin.taking(0.004):
            fill(site, others)
            filled_s = [fill(site, group) for group in groups]
            ended = [
                one
                for number, group in enumerate(groups)
                for one in ask_again(site, group, filled_s[number] + TTL_S * age_of(number))
            ]
    shares = shares_by_age(ended)
    steepest = max(late - early for early, late in zip(shares, shares[2:], strict=False))
    expected = f"at most {MOST_IN_A_WINDOW:.0%} of the entries to end within {WINDOW:.0%} of "
    expected += f"CACHE_TTL_S = {TTL_S:g}"
    shown = ", ".join(f"{share:.0%}" for share in shares)
    got = f"{steepest:.0%}; of entries asked for from {FIRST_AGE:.0%} of it on, had ended: {shown}"
    step = "Give each entry a lifetime of its own, some of it by chance."
    expect(shares[-1] > 0.5, "entries to end after CACHE_TTL_S", shown, step)
    expect(steepest <= MOST_IN_A_WINDOW, expected, got, step)


def age_of(group: int) -> float:
    """Return the age, as a part of CACHE_TTL_S, at which a group is asked for again."""
    return FIRST_AGE + (LAST_AGE - FIRST_AGE) * group / (GROUPS - 1)


def fill(site: Site, group: Sequence[Product]) -> float:
    """Ask for a group for the first time; return when the origin answered for it."""
    mark = site.mark()
    for answer in site.ask_all([Call("GET", one.path) for one in group], at_once=8):
        site.expect_true(answer, answer.call.path)
    ended = [one.ended_s for one in site.origin.since(mark) if one.ended_s]
    if not ended:
        raise Inconclusive("Nothing was fetched, so nothing can expire.")
    return float(statistics.median(ended))


def ask_again(site: Site, group: Sequence[Product], due_s: float) -> list[tuple[float, bool]]:
    """Ask for a group when it is due; return the age of each entry, and if it was fetched anew."""
    time.sleep(max(0.0, due_s - time.monotonic()))
    calls_before = {one.path: site.origin.since(0, target=one.path) for one in group}
    mark, asked_s = site.mark(), time.monotonic()
    site.ask_all([Call("GET", one.path) for one in group], at_once=8)
    site.origin.wait_until_quiet(quiet_s=0.1, within_s=1.0)
    anew = {one.asked.target for one in site.origin.since(mark)}
    return [
        ((asked_s - before[-1].ended_s) / TTL_S, path in anew)
        for path, before in calls_before.items()
        if before and before[-1].ended_s
    ]


def shares_by_age(ended: Sequence[tuple[float, bool]]) -> list[float]:
    """Return which share of the entries had ended, in bins of age half a window wide."""
    bins: dict[int, list[bool]] = {number: [] for number in range(GROUPS)}
    for age, anew in ended:
        number = round((age - FIRST_AGE) / (WINDOW / 2))
        bins.setdefault(min(max(number, 0), GROUPS - 1), []).append(anew)
    if any(len(one) < LEAST_IN_A_BIN for one in bins.values()):
        raise Inconclusive("The machine was too busy to ask for entries at the ages they have.")
    return [sum(one) / len(one) for one in bins.values()]
