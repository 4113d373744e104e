"""Traffic of the catalogue: Zipf-popular products, some pages and prices, a few writes, and probes.

Now and then somebody asks for a product that nobody has asked for before; hits must not wait then.

The grader drives these users itself; they also run as they are against a running service whose
origin has these products:

    locust -f load/locustfile.py --host http://127.0.0.1:8000

LOAD_PRODUCTS (default 400) products load-0000, load-0001 … are in LOAD_CATEGORIES (10) categories
load-0, load-1 …; the PROBED_PRODUCTS (40) after them are for probes alone. RARE_PRODUCTS (4000)
products rare-0000, rare-0001 … are in no cache before. LAB_SEED (default 0) decides which are asked
for.
"""

import itertools
import os
import random
from typing import Any, ClassVar

from locust import FastHttpUser, constant_throughput, task

PRODUCTS = int(os.environ.get("LOAD_PRODUCTS", "400"))
CATEGORIES = int(os.environ.get("LOAD_CATEGORIES", "10"))
PROBED = int(os.environ.get("PROBED_PRODUCTS", "40"))
RARE = int(os.environ.get("RARE_PRODUCTS", "4000"))
ZIPF_EXPONENT = 1.1
PRICED, PAGED = 30, 4  # the products whose prices, and the categories whose pages are looked at
TENANTS = ("acme", "globex", "initech")

rng = random.Random(int(os.environ.get("LAB_SEED", "0")))
weights = [*itertools.accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, PRODUCTS + 1))]


def popular() -> int:
    """Draw a product by its popularity."""
    return rng.choices(range(PRODUCTS), cum_weights=weights)[0]


def json_object(response: Any) -> dict[str, Any]:
    """Return the object in an answer's body; empty when it is something else."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


class Client(FastHttpUser):
    """Reads and writes products, and looks at what came back."""

    abstract = True
    wait_time = constant_throughput(1)

    def read(self, name: str, path: str, shown: tuple[str, object], least: int = 0) -> None:
        """Read something that must show what it is, in a version that is not too old."""
        headers = {"X-Tenant": str(shown[1])} if shown[0] == "tenant" else {}
        with self.client.get(path, name=name, headers=headers, catch_response=True) as got:
            body = json_object(got) if got.status_code == 200 else {}
            if body.get(shown[0]) == shown[1] and body.get("version", least) >= least:
                got.success()
                return
            expected = f"200 with {shown[0]} = {shown[1]} and at least version {least}"
            got.failure(f"GET {path}: expected {expected}, got {got.status_code} {body}"[:300])

    def write(self, number: int) -> int | None:
        """Write a product; its version, or None if that was refused."""
        fields = {"name": f"Product {number}", "category": f"load-{number % CATEGORIES}"}
        body = {**fields, "price_cents": rng.randrange(100, 100_000)}
        path = f"/products/load-{number:04}"
        with self.client.put(path, json=body, name="write", catch_response=True) as got:
            version = json_object(got).get("version") if got.status_code in (200, 201) else None
            if isinstance(version, int):
                got.success()
                return version
            got.failure(f"PUT {path}: expected 200 with a version, got {got.status_code}")
            return None


class ShopUser(Client):
    """Somebody who looks around, and now and then somebody who edits."""

    @task(680)
    def product(self) -> None:
        product_id = f"load-{popular():04}"
        self.read("product", f"/products/{product_id}", ("id", product_id))

    @task(100)
    def price(self) -> None:
        tenant = rng.choice(TENANTS)
        path = f"/products/load-{rng.randrange(PRICED):04}/price"
        self.read("price", path, ("tenant", tenant))

    @task(2)
    def page(self) -> None:
        category = f"load-{rng.randrange(PAGED)}"
        self.read("page", f"/products?category={category}&page=1", ("category", category))

    @task(5)
    def rare(self) -> None:
        product_id = f"rare-{rng.randrange(RARE):04}"
        self.read("rare", f"/products/{product_id}", ("id", product_id))

    @task(1)
    def edit(self) -> None:
        self.write(popular())


class ProbeUser(Client):
    """Writes products nobody else writes, and reads them: never older than what was answered."""

    # By the address that answers: the newest version of each product that was acknowledged.
    versions: ClassVar[dict[tuple[str, int], int]] = {}

    @task(1)
    def write_reserved(self) -> None:
        number = PRODUCTS + rng.randrange(PROBED)
        if version := self.write(number):
            key = (str(self.host), number)
            self.versions[key] = max(version, self.versions.get(key, 0))

    @task(19)
    def read_reserved(self) -> None:
        number = PRODUCTS + rng.randrange(PROBED)
        least = self.versions.get((str(self.host), number), 0)
        product_id = f"load-{number:04}"
        self.read("probe", f"/products/{product_id}", ("id", product_id), least)
