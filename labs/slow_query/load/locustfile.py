"""The shop's reporting page at work: reports, orders that come in, and a look at both."""

import json
import os
import random
from typing import Any

from locust import FastHttpUser, constant_throughput, task

rng = random.Random(int(os.environ.get("LAB_SEED", "0")))
PAGES = json.loads(os.environ.get("PAGES", "[]"))
CUSTOMERS, PRODUCTS, WAREHOUSES = 4_000, 400, 8
OF_PROBES = range(3_001, 4_001)  # customers for whom nobody else orders
CITIES = (("SE", "Malmö", "Bring", "SEK"), ("PT", "Porto", "CTT", "EUR"))


class ShopUser(FastHttpUser):
    """Asks for reports and writes orders."""

    abstract = True
    wait_time = constant_throughput(1)

    def ask(self, ticket: str, **parameters: Any) -> None:
        self.client.get(f"/reports/{ticket}", params=parameters, name="report")

    def new_order(self, customer: int) -> dict[str, Any]:
        items = [
            {"product_id": rng.randint(1, PRODUCTS), "quantity": 1, "unit_cents": 1_000}
            for _ in range(rng.randint(1, 4))
        ]
        return {
            "customer_id": customer,
            "warehouse_id": rng.randint(1, WAREHOUSES),
            "ship_country": rng.choice(["DE", "FR", "GB", None]),
            "coupon": rng.choice([None, None, None, f"Spring-{rng.randint(1, 200)}"]),
            "meta": {"campaign": f"c{rng.randint(1, 400)}", "device": "phone"},
            "items": items,
        }


class ReportUser(ShopUser):
    """Reads far more than it writes."""

    written: list[tuple[str, int]]

    def on_start(self) -> None:
        self.written = []

    @task(24)
    def customer_orders(self) -> None:
        self.ask("customer-orders", customer=rng.randint(1, CUSTOMERS))

    @task(16)
    def coupon_orders(self) -> None:
        coupon = f"spring-{rng.randint(1, 200)}"
        self.ask("coupon-orders", coupon=coupon, first="2024-01-01", last="2025-12-31")

    @task(16)
    def order_history(self) -> None:
        if PAGES:
            offset, placed_at, id_ = rng.choice(PAGES)
            self.ask("order-history", offset=offset, after_placed_at=placed_at, after_id=id_)
        else:
            self.ask("order-history", offset=0)

    @task(16)
    def campaign_orders(self) -> None:
        self.ask("campaign-orders", campaign=f"c{rng.randint(1, 400)}")

    @task(8)
    def warehouse_largest(self) -> None:
        self.ask("warehouse-largest")

    @task(8)
    def monthly_sales(self) -> None:
        self.ask("monthly-sales")

    @task(1)
    def city_returns(self) -> None:
        country, city, carrier, currency = rng.choice(CITIES)
        self.ask("city-returns", country=country, city=city, carrier=carrier, currency=currency)

    @task(8)
    def place(self) -> None:
        order = self.new_order(rng.randrange(1, OF_PROBES.start))
        with self.client.post("/orders", json=order, name="write", catch_response=True) as answer:
            if answer.status_code == 201:
                self.written.append((str(self.host), int(answer.json()["id"])))
                answer.success()
            else:
                answer.failure(f"POST /orders: expected 201, got {answer.status_code}")

    @task(3)
    def change(self) -> None:
        if not self.written:
            return self.place()
        _, id_ = rng.choice(self.written)
        status = rng.choice(["shipped", "delivered", "cancelled", "open"])
        self.client.patch(f"/orders/{id_}", json={"status": status}, name="write")
        return None


class ProbeUser(ShopUser):
    """Orders for a customer of its own, who must then find the order among the newest."""

    @task
    def order_and_look(self) -> None:
        customer = rng.choice(OF_PROBES)
        order = self.new_order(customer)
        placed = self.client.post("/orders", json=order, name="write")
        if placed.status_code != 201:
            return
        id_ = int(placed.json()["id"])
        with self.client.get(
            "/reports/customer-orders",
            params={"customer": customer},
            name="report",
            catch_response=True,
            context={"acknowledged": {"order": id_, "customer": customer}},
        ) as answer:
            newest = answer.json() if answer.status_code == 200 else []
            if any(one["id"] == id_ for one in newest):
                answer.success()
            else:
                answer.failure(f"customer-orders of {customer}: expected the order {id_} just made")
