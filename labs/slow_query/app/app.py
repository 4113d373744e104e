"""The shop's reporting app: answers the eight reports with the queries of a submission.

`GET /reports/TICKET?name=value` runs `queries/TICKET.sql`; what a query asks for and the address
lacks is NULL. `POST /orders`, `PATCH /orders/ID` and `DELETE /orders/ID` are the shop at work.
"""

import os
import re
import threading
from pathlib import Path
from typing import Any

import psycopg
import psycopg.types.json
from fastapi import FastAPI, HTTPException, Request
from psycopg.rows import dict_row
from pydantic import BaseModel

QUERIES = Path(os.environ["SUBMISSION"]) / "queries"
PARAMETER = re.compile(r"%\((\w+)\)s")
NUMBERS = {"customer", "offset", "after_id"}

app = FastAPI()
local = threading.local()


class Item(BaseModel):
    product_id: int
    quantity: int
    unit_cents: int


class Order(BaseModel):
    customer_id: int
    warehouse_id: int
    ship_country: str | None = None
    coupon: str | None = None
    meta: dict[str, Any] = {}
    items: list[Item]


class Change(BaseModel):
    status: str


def connection() -> psycopg.Connection[dict[str, Any]]:
    """Return the connection of this thread; a broken one is replaced."""
    if getattr(local, "connection", None) is None or local.connection.closed:
        local.connection = psycopg.connect(
            os.environ["DATABASE_URL"],
            autocommit=True,
            row_factory=dict_row,
            prepare_threshold=None,
        )
    return local.connection


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ready"}


@app.get("/reports/{ticket}")
def report(ticket: str, request: Request) -> list[dict[str, Any]]:
    path = QUERIES / f"{ticket}.sql"
    if not re.fullmatch(r"[a-z-]+", ticket) or not path.is_file():
        raise HTTPException(404, f"there is no report {ticket}")
    query = path.read_text(encoding="utf-8")
    given = request.query_params
    values = {
        name: int(given[name]) if name in NUMBERS and name in given else given.get(name)
        for name in PARAMETER.findall(query)
    }
    return connection().execute(query.encode(), values or None).fetchall()


@app.post("/orders", status_code=201)
def place(order: Order) -> dict[str, int]:
    with connection().transaction():
        total = sum(one.quantity * one.unit_cents for one in order.items)
        row = (
            connection()
            .execute(
                "INSERT INTO orders (customer_id, warehouse_id, placed_at, status, ship_country,"
                " total_cents, coupon, meta) VALUES (%s, %s, now(), 'open', %s, %s, %s, %s)"
                " RETURNING id",
                (
                    order.customer_id,
                    order.warehouse_id,
                    order.ship_country,
                    total,
                    order.coupon,
                    psycopg.types.json.Jsonb(order.meta),
                ),
            )
            .fetchone()
        )
        connection().cursor().executemany(
            "INSERT INTO order_items VALUES (%s, %s, %s, %s, %s)",
            [
                (row["id"], line, one.product_id, one.quantity, one.unit_cents)
                for line, one in enumerate(order.items, 1)
            ],
        )
    return {"id": row["id"]}


@app.patch("/orders/{id_}")
def change(id_: int, wanted: Change) -> dict[str, int]:
    changed = connection().execute(
        "UPDATE orders SET status = %s WHERE id = %s", (wanted.status, id_)
    )
    if changed.rowcount == 0:
        raise HTTPException(404, f"there is no order {id_}")
    return {"id": id_}


@app.delete("/orders/{id_}", status_code=204)
def delete(id_: int) -> None:
    connection().execute("DELETE FROM orders WHERE id = %s", (id_,))
