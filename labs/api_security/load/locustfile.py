"""Traffic of the invoicing API: pages of invoices, single ones, and now and then a new one.

The grader drives this user itself; it also runs as it is against a running service:

    locust -f load/locustfile.py --host http://127.0.0.1:8000

LOAD_EMAIL and LOAD_PASSWORD are those of a user who has invoices. Without them the first user
registers and writes some. LAB_SEED (default 0) decides what is asked for.
"""

import os
import random
from typing import Any, ClassVar

from gevent.lock import Semaphore
from locust import FastHttpUser, constant_throughput, task

INVOICES_OF_OUR_OWN = 40
PAGE = 20

rng = random.Random(int(os.environ.get("LAB_SEED", "0")))


def new_invoice() -> dict[str, Any]:
    line = {"description": "Hours", "quantity": rng.randint(1, 40), "unit_cents": 9_500}
    tax_id = f"DE{rng.randrange(10**11):011}"
    customer = f"Customer {rng.getrandbits(32):08x}"
    return {"customer": customer, "tax_id": tax_id, "note": "load", "lines": [line]}


class InvoicingUser(FastHttpUser):
    """Somebody who works with invoices, and looks at what comes back."""

    wait_time = constant_throughput(1)
    # By the address that answers: all users of a service share a session.
    sessions: ClassVar[dict[str, dict[str, str]]] = {}
    invoices: ClassVar[dict[str, tuple[int, ...]]] = {}
    _only_one_prepares = Semaphore()

    def on_start(self) -> None:
        with self._only_one_prepares:
            if self.host not in self.sessions:
                self.log_in()

    def log_in(self) -> None:
        email = os.environ.get("LOAD_EMAIL", f"load-{rng.getrandbits(40):x}@example.com")
        password = os.environ.get("LOAD_PASSWORD", "load-load-load")
        credentials = {"email": email, "password": password}
        is_new = "LOAD_EMAIL" not in os.environ
        if is_new:
            person = {**credentials, "name": "Load", "organisation": "Load"}
            self.client.post("/v2/auth/register", json=person, name="prepare")
        answer = self.client.post("/v2/auth/login", json=credentials, name="prepare")
        session = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        for _ in range(INVOICES_OF_OUR_OWN if is_new else 0):
            self.client.post("/v2/invoices", json=new_invoice(), headers=session, name="prepare")
        page = self.client.get("/v2/invoices?page_size=100", headers=session, name="prepare")
        self.sessions[self.host] = session
        self.invoices[self.host] = tuple(one["id"] for one in page.json()["items"])

    @task(6)
    def list(self) -> None:
        self.look("list", f"/v2/invoices?page_size={PAGE}&page={rng.randint(1, 2)}", '"items"')

    @task(6)
    def get(self) -> None:
        self.look("get", f"/v2/invoices/{rng.choice(self.invoices[self.host])}", '"tax_id"')

    def look(self, name: str, path: str, shown: str) -> None:
        """Read something that must show what it is."""
        headers = self.sessions[self.host]
        with self.client.get(path, name=name, headers=headers, catch_response=True) as got:
            if got.status_code == 200 and shown in (got.text or ""):
                got.success()
            else:
                got.failure(f"GET {path}: expected {shown}, got {got.status_code}")

    @task(2)
    def create(self) -> None:
        body, headers = new_invoice(), self.sessions[self.host]
        with self.client.post(
            "/v2/invoices", json=body, name="create", headers=headers, catch_response=True
        ) as got:
            if got.status_code == 201 and body["customer"] in (got.text or ""):
                got.success()
            else:
                got.failure(f"POST /v2/invoices: expected 201, got {got.status_code}")
