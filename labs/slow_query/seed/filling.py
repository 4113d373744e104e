"""Fills the shop, the same for a seed and a number of orders; rows are made inside PostgreSQL.

Whatever is random about a row comes from a hash of its number, so that it does not matter in which
portions rows are made. Keys and indexes are taken off meanwhile.
"""

import concurrent.futures
import contextlib
import itertools
import math
import os
from collections.abc import Callable

import psycopg

SEED = 20_240_229
MOST_PORTIONS, LEAST_ORDERS_EACH = 25, 4_000
ANALYSED_FRACTION = 0.9  # the statistics are those of some time ago

# Share of orders, city, country, carrier, currency, warehouse: one says nearly all of the others.
PLACES = """
    (0.20, 'Berlin', 'DE', 'Hermes', 'EUR', 1), (0.12, 'Hamburg', 'DE', 'Hermes', 'EUR', 2),
    (0.10, 'Paris', 'FR', 'Chronopost', 'EUR', 3), (0.09, 'London', 'GB', 'Parcelforce', 'GBP', 4),
    (0.08, 'München', 'DE', 'Hermes', 'EUR', 1), (0.07, 'Wien', 'AT', 'Post AT', 'EUR', 5),
    (0.06, 'Madrid', 'ES', 'Correos', 'EUR', 6), (0.06, 'Lyon', 'FR', 'Chronopost', 'EUR', 3),
    (0.05, 'Zürich', 'CH', 'Swiss Post', 'CHF', 7), (0.04, 'Köln', 'DE', 'Hermes', 'EUR', 2),
    (0.03, 'Leeds', 'GB', 'Parcelforce', 'GBP', 4), (0.02, 'Graz', 'AT', 'Post AT', 'EUR', 5),
    (0.02, 'Genève', 'CH', 'Swiss Post', 'CHF', 7), (0.02, 'Stockholm', 'SE', 'Bring', 'SEK', 8),
    (0.01, 'Malmö', 'SE', 'Bring', 'SEK', 8), (0.01, 'Porto', 'PT', 'CTT', 'EUR', 6)
"""
STEADY = """
    INSERT INTO warehouses SELECT n, 'warehouse ' || n FROM generate_series(1, 12) AS n;
    INSERT INTO products
    SELECT n, 'product ' || n, 100 + pg_temp.hash(n, 1) % 20000
      FROM generate_series(1, greatest(200, %(orders)s / 100)) AS n;
    INSERT INTO customers
    SELECT n, 'c' || n || '@example.com', 'Customer ' || n,
           (ARRAY['CH', 'AT', 'ES', 'GB', 'FR', 'DE'])
               [width_bucket(pg_temp.chance(n, 2), ARRAY[0, 0.02, 0.05, 0.1, 0.25, 0.5])],
           timestamptz '2022-01-01 00:00Z' + pg_temp.chance(n, 3) * interval '365 days'
      FROM generate_series(1, %(orders)s / 10) AS n;
    INSERT INTO unsubscribed (list, customer_id, received_at)
    SELECT CASE WHEN n % 2 = 0 THEN 'sale' ELSE 'news' END,
           CASE WHEN n % 2 = 0 OR n % 50 <> 1
                THEN 1 + (pg_temp.hash(n, 4) % (%(orders)s / 10))::int END,
           timestamptz '2023-06-01 00:00Z' + n * interval '7 minutes'
      FROM generate_series(1, %(orders)s / 100) AS n;
"""
ORDERS = """
    INSERT INTO orders
    SELECT n, 1 + floor(pg_temp.chance(n, 5) ^ 2.2 * (%(orders)s / 10))::int,
           warehouse, placed_at,
           CASE WHEN pg_temp.chance(n, 8) < 0.06 THEN 'cancelled'
                WHEN n > %(orders)s * 0.99 THEN 'open'
                WHEN n > %(orders)s * 0.97 THEN 'shipped' ELSE 'delivered' END,
           country, city, carrier, currency, 500 + pg_temp.hash(n, 9) % 30000,
           CASE WHEN pg_temp.chance(n, 10) < 0.1 THEN
               (ARRAY['Spring-', 'SPRING-', 'spring-', 'Grün-', 'GRÜN-', 'c'])
                   [1 + pg_temp.hash(n, 11) % 6]
               || (pg_temp.hash(n, 12) % (1 + %(orders)s / 200))::text END,
           CASE WHEN pg_temp.chance(n, 13) < 0.2
                THEN jsonb_build_object(
                         'campaign', 'c' || pg_temp.hash(n, 14) % (1 + %(orders)s / 100))
                ELSE '{}' END
             || jsonb_build_object('device', (ARRAY['phone','desktop','tablet'])
                                                 [1 + pg_temp.hash(n, 15) % 3],
                                   'page', '/p/' || pg_temp.hash(n, 16) % 10000,
                                   'visit', pg_temp.hash(n, 17)),
           CASE WHEN pg_temp.chance(n, 18) < 0.3 THEN repeat('Please ring twice. ', 5) END
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n,
           LATERAL (SELECT date_trunc('second', timestamptz '2023-01-01 00:00Z'
                           + (least(%(orders)s, greatest(1, n + pg_temp.chance(n, 6) * 80 - 40))
                              / %(orders)s::float) * interval '1095 days 23 hours')
                           AS placed_at) AS t,
           LATERAL (SELECT pg_temp.chance(n, 7) AS c) AS u
           LEFT JOIN places AS p ON u.c >= p.since AND u.c < p.until,
           LATERAL (SELECT CASE WHEN n < %(orders)s / 20 AND pg_temp.chance(n, 19) < 0.2
                                THEN 9 + pg_temp.hash(n, 19) % 3
                                ELSE coalesce(p.home, 1 + pg_temp.hash(n, 20) % 8) END::smallint
                           AS warehouse) AS w;
"""
ITEMS = """
    INSERT INTO order_items
    SELECT n, line, 1 + floor(pg_temp.chance(n * 8 + line, 21) ^ 2
                              * greatest(200, %(orders)s / 100))::int,
           1 + pg_temp.hash(n * 8 + line, 22) % 3, 100 + pg_temp.hash(n * 8 + line, 23) % 20000
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n,
           LATERAL generate_series(1, 1 + pg_temp.hash(n, 24) % 5) AS line;
"""
RETURNS = """
    INSERT INTO returns (order_id, warehouse_id, reason, received_at)
    SELECT id, warehouse_id,
           (ARRAY['too small', 'too large', 'broken', 'late', 'other'])
               [1 + pg_temp.hash(id, 25) % 5],
           placed_at + interval '9 days' * (1 + pg_temp.chance(id, 26))
      FROM orders WHERE pg_temp.chance(id, 27) < 0.1 ORDER BY id;
"""
HELPERS = """
    CREATE FUNCTION pg_temp.hash(n bigint, facet int) RETURNS bigint IMMUTABLE LANGUAGE sql
        AS 'SELECT hashint8extended(n, %(seed)s + facet) & 1073741823';
    CREATE FUNCTION pg_temp.chance(n bigint, facet int) RETURNS float IMMUTABLE LANGUAGE sql
        AS 'SELECT (hashint8extended(n, %(seed)s + facet) & 16777215) / 16777216.0::float';
    CREATE TEMP TABLE places AS
    SELECT city, country, carrier, currency, home,
           sum(share) OVER earlier - share AS since, sum(share) OVER earlier AS until
      FROM (VALUES %(places)s) AS p (share, city, country, carrier, currency, home)
    WINDOW earlier AS (ORDER BY share DESC, city);
"""
TABLES = "warehouses, customers, unsubscribed, products, orders, order_items, returns"
FOREIGN_KEYS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
                  pg_get_constraintdef(oid))
      FROM pg_constraint WHERE contype = 'f' ORDER BY conname
"""


def fill(
    connection: psycopg.Connection,
    orders: int,
    seed: int = SEED,
    progress: Callable[[float], None] = lambda _done: None,
    beside: psycopg.Connection | None = None,
) -> None:
    """Replace all rows of the shop by so many orders and what belongs to them.

    The same seed and number give the same rows. `progress` is told the fraction that is done. Items
    are made on the connection `beside`, meanwhile, if there is one; both must commit by themselves.
    """
    with contextlib.nullcontext() if beside else connection.transaction():
        keys = connection.execute(FOREIGN_KEYS).fetchall()
        for drop, _ in keys:
            connection.execute(drop)
        connection.execute(f"TRUNCATE {TABLES} RESTART IDENTITY")
        for one in {connection, beside or connection}:
            _run(one, HELPERS, seed=seed, places=PLACES)
        _run(connection, STEADY, orders=orders)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            items = (beside or connection, "order_items", ITEMS, orders)
            made = pool.submit(_run_in_portions, *items) if beside else None
            _run_in_portions(connection, "orders", ORDERS, orders, progress)
            if made:
                made.result()
            else:
                _run_in_portions(*items)
        _run(connection, RETURNS)
        for table in ("orders", "unsubscribed", "returns"):
            connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
        connection.execute("ANALYZE warehouses, customers, unsubscribed, products, returns")
        for _, add in keys:
            connection.execute(add)
        connection.execute("DROP TABLE places")
        connection.execute("DROP FUNCTION pg_temp.hash(bigint, int), pg_temp.chance(bigint, int)")
    progress(1.0)


def _run_in_portions(
    connection: psycopg.Connection,
    table: str,
    statement: str,
    orders: int,
    progress: Callable[[float], None] = lambda _done: None,
) -> None:
    """Fill a table portion by portion; gather its statistics before the last of them."""
    portions = max(1, min(MOST_PORTIONS, orders // LEAST_ORDERS_EACH))
    borders = [1 + orders * portion // portions for portion in range(portions + 1)]
    for portion, (first, after) in enumerate(itertools.pairwise(borders), 1):
        _run(connection, statement, orders=orders, first=first, last=after - 1)
        if portion == math.ceil(ANALYSED_FRACTION * portions):
            connection.execute(f"ANALYZE {table}")
        progress(0.8 * portion / portions)


def _run(connection: psycopg.Connection, statements: str, **values: object) -> None:
    """Run statements with values put into their text: several of them can't have parameters."""
    for name, value in values.items():
        statements = statements.replace(f"%({name})s", str(value))
    connection.execute(statements)


def fill_from_environment(orders: int) -> None:
    """Fill the database in DATABASE_URL and print how far it is, in percent."""
    address = os.environ["DATABASE_URL"]
    with (
        psycopg.connect(address, autocommit=True) as one,
        psycopg.connect(address, autocommit=True) as other,
    ):
        fill(one, orders, progress=lambda done: print(f"{done:.0%}", flush=True), beside=other)
