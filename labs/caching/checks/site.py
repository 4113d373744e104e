"""A running service in front of the origin: asked, written to, and held to the truth."""

import itertools
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graders.checks import Answer, App, Call, Inconclusive, Origin, expect

from .catalogue import Catalogue, Product

ELSEWHERE_WITHIN_S = 1.0  # the contract: other replicas may show a write so late
ANSWERS_WITHIN_S = 6.0  # the contract, whatever fails
HEALED_WITHIN_S = 1.0  # the contract: an error of the origin is not remembered for longer
WATCHED_S = 0.3
AGAIN = "after the last"
FAILURES = ("answers 5", "hangs")


@dataclass
class Site:
    """A running service, the origin behind it, and the products nobody has asked for yet."""

    app: App
    origin: Origin
    catalogue: Catalogue
    rng: random.Random
    ttl_s: float
    stale_s: float
    answers: list[Answer] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # -------------------------------------------------------------- products

    def word(self, prefix: str) -> str:
        """Return a name nobody has used."""
        return f"{prefix}-{self.rng.getrandbits(40):010x}"

    def new(self, count: int = 1, category: str = "") -> list[Product]:
        """Make products in a category of their own, behind the service's back."""
        category = category or self.word("c")
        return [
            self.catalogue.put(
                self.word("p"), f"Product {next(self._numbers)}", category, 100 * (number + 100)
            )
            for number in range(count)
        ]

    def now(self, product: Product) -> Product:
        """Return a product as it is now."""
        return self.catalogue.products[product.id]

    # -------------------------------------------------------------- asking

    def ask(self, path: str, at: int = 0, tenant: str | None = None, **options: Any) -> Answer:
        """GET a path from one replica."""
        headers = {**({"X-Tenant": tenant} if tenant else {}), **options.pop("headers", {})}
        options.setdefault("timeout_s", ANSWERS_WITHIN_S + 2)
        answer = self.app.replicas[at].get(path, headers=headers, **options)
        self.answers.append(answer)
        return answer

    def ask_all(
        self, calls: Sequence[Call], at_once: int = 20, timeout_s: float = ANSWERS_WITHIN_S + 2
    ) -> list[Answer]:
        """Send calls to all replicas in turn, many at once; answers in order."""
        bases = itertools.cycle([one.base_url for one in self.app.replicas])
        targets = [(next(bases), call) for call in calls]
        answers = self.app.client.send_all(targets, at_once, timeout_s)
        self.answers += answers
        return answers

    def put(self, product: Product, at: int = 0, **changes: Any) -> Answer:
        """Write a product through the service; it must be accepted."""
        body = {"name": product.name, "category": product.category, **changes}
        body.setdefault("price_cents", self.rng.randrange(1000, 100_000))
        answer = self.app.replicas[at].put(product.path, json=body, timeout_s=ANSWERS_WITHIN_S + 2)
        answer.expect({200, 201}, "the product is valid and the origin is well" + self.remark())
        return answer

    def delete(self, product: Product, at: int = 0) -> Answer:
        """Delete a product through the service; it must be accepted."""
        answer = self.app.replicas[at].delete(product.path, timeout_s=ANSWERS_WITHIN_S + 2)
        return answer.expect({200, 204}, "the product exists and the origin is well")

    def settle(self) -> None:
        """Let the origin become quiet, and its failures be as long ago as they may be felt."""
        self.origin.wait_until_quiet(quiet_s=0.1)
        failures = [fault for fault in self.origin.faults if fault[2].startswith(FAILURES)]
        ended_s = max((fault[1] for fault in failures if fault[1]), default=0.0)
        time.sleep(max(0.0, ended_s + HEALED_WITHIN_S - time.monotonic()))

    # -------------------------------------------------------------- the truth

    def is_true(self, answer: Answer, path: str, tenant: str | None = None) -> bool:
        """Say if an answer tells what the origin would tell now."""
        status, body = self.catalogue.truth(path, tenant)
        if status != 200 or answer.status != 200:
            return answer.status == status
        try:
            return bool(json.loads(answer.body) == body)
        except (ValueError, RecursionError):
            return False

    def expect_true(
        self, answer: Answer, path: str, tenant: str | None = None, step: str = ""
    ) -> None:
        """Demand that an answer tells what the origin would tell now."""
        status, body = self.catalogue.truth(path, tenant)
        shown = f"{status} {json.dumps(body)[:300]}, what the origin knows"
        expect(self.is_true(answer, path, tenant), shown, f"{answer}{self.remark()}", step, answer)

    def expect_now(
        self, path: str, at: int = 0, tenant: str | None = None, step: str = ""
    ) -> Answer:
        """Ask one replica, which must tell the truth at once."""
        answer = self.ask(path, at, tenant)
        self.expect_true(answer, path, tenant, step)
        return answer

    def expect_soon(
        self,
        path: str,
        at: int,
        tenant: str | None = None,
        step: str = "",
        within_s: float = ELSEWHERE_WITHIN_S,
    ) -> None:
        """Ask one replica until it tells the truth, which it must in time, and from then on."""
        due_s = time.monotonic() + within_s
        while True:
            asked_at_s = time.monotonic()
            answer = self.ask(path, at, tenant)
            # A question asked too early says nothing about the deadline, however late its answer.
            if self.is_true(answer, path, tenant) or asked_at_s >= due_s:
                break
            time.sleep(0.02)
        self.expect_true(answer, path, tenant, step)

    def expect_lasting(
        self, paths: Sequence[tuple[str, str | None]], step: str, for_s: float = WATCHED_S
    ) -> None:
        """Demand the truth of several (path, tenant) of every replica, again and again."""
        until_s = time.monotonic() + for_s
        while True:
            for path, tenant in paths:
                for at in range(len(self.app.replicas)):
                    self.expect_now(path, at, tenant, step)
            if time.monotonic() > until_s:
                return
            time.sleep(0.02)

    def warm(self, paths: Sequence[tuple[str, str | None]], times: int = 2) -> None:
        """Ask every replica several times, so that whatever can be kept is."""
        for _ in range(times):
            calls = [
                Call("GET", path, headers={"X-Tenant": tenant} if tenant else {})
                for path, tenant in paths
                for _ in self.app.replicas
            ]
            for answer in self.ask_all(calls, at_once=6):
                tenant = answer.call.headers.get("X-Tenant")
                self.expect_true(answer, answer.call.path, tenant, "Nothing is written here.")

    # -------------------------------------------------------------- the ledger

    def mark(self) -> int:
        """Return the place in the ledger where the next call will stand."""
        return len(self.origin.calls)

    def expect_calls(self, mark: int, most: int, what: str, step: str = "", path: str = "") -> int:
        """Demand at most so many reads of the origin since a mark, and wait until it is quiet."""
        is_quiet = self.origin.wait_until_quiet()
        asked = len(self.origin.since(mark, target=path))
        got = f"{asked}: {self.causes(mark, path)}"
        expect(asked <= most, f"at most {most} calls of the origin for {what}", got, step)
        if not is_quiet:
            raise Inconclusive("The origin is not left alone, so its calls can't be counted.")
        return asked

    def causes(self, mark: int, path: str = "") -> str:
        """Say why the origin was asked since a mark, the most frequent cause first."""
        found = [one.cause for one in self.origin.since(mark, target=path)]
        causes = ["again" if AGAIN in one else one for one in found]
        kinds = sorted(set(causes), key=causes.count, reverse=True)
        return "; ".join(f"{causes.count(one)} × {one}" for one in kinds) or "never asked"

    def remark(self) -> str:
        """Say so if the origin refused calls in the last seconds; empty when it did not."""
        since_s = time.monotonic() - 10
        refused = [one for one in self.origin.refused if one.at_s > since_s]
        if not refused:
            return ""
        width = self.origin.width
        return f" (the origin refused {len(refused)} calls: more than {width} at a time)"
