"""The shop goes on selling: answers stay right, writes stay cheap, indexes stay few."""

import threading

import pytest

from graders.checks import expect, requirement

WRITES = {
    "an order": "INSERT INTO orders (customer_id, warehouse_id, placed_at, status, ship_country,"
    " total_cents, coupon, meta) SELECT min(id), 1, '2025-03-30 22:30Z', 'open', 'DE', 777, 'Neu',"
    """ '{"campaign": "neu"}' FROM customers""",
    "many orders at once": "INSERT INTO orders (customer_id, warehouse_id, placed_at, status,"
    " ship_country, total_cents) SELECT customer_id, warehouse_id, placed_at + interval '40 days',"
    " status, ship_country, total_cents FROM orders WHERE id % 5 = 0",
    "items of an order": "INSERT INTO order_items SELECT max(id), 1, 1, 2, 300 FROM orders",
    "a cancellation": "UPDATE orders SET status = 'cancelled' WHERE id % 11 = 0",
    "a cancellation taken back": "UPDATE orders SET status = 'open'"
    " WHERE status = 'cancelled' AND id % 22 = 0",
    "a corrected total": "UPDATE orders SET total_cents = total_cents + 1 WHERE id % 7 = 0",
    "a corrected date": "UPDATE orders SET placed_at = placed_at - interval '3 hours'"
    " WHERE placed_at::date IN (SELECT max(placed_at)::date FROM orders) OR id % 13 = 0",
    "another country": "UPDATE orders SET ship_country = 'FR'"
    " WHERE ship_country IS NULL AND id % 2 = 0",
    "no country any more": "UPDATE orders SET ship_country = NULL WHERE id % 17 = 0",
    "a coupon handed in later": "UPDATE orders SET coupon = 'Spät'"
    " WHERE coupon IS NULL AND id % 6 = 0",
    "a coupon taken back": "UPDATE orders SET coupon = NULL"
    " WHERE coupon IS NOT NULL AND id % 3 = 0",
    "everything about an order at once": "UPDATE orders SET status = 'open', ship_country = 'PT',"
    " placed_at = '2024-02-29 23:30Z', total_cents = 5, coupon = NULL, customer_id = customer_id,"
    """ warehouse_id = 2, meta = '{"campaign": "c1"}' WHERE id % 19 = 0""",
    "an order placed again": "INSERT INTO orders SELECT * FROM orders WHERE id % 23 = 0"
    " ON CONFLICT (id) DO UPDATE SET total_cents = excluded.total_cents * 2",
    "a changed item": "UPDATE order_items SET quantity = quantity + 1 WHERE order_id % 4 = 0",
    "a deleted order": "DELETE FROM orders WHERE id % 9 = 0",
    "a whole month deleted": "DELETE FROM orders"
    " WHERE placed_at >= '2024-06-30 22:00Z' AND placed_at < '2024-07-31 22:00Z'",
    "somebody unsubscribed": "INSERT INTO unsubscribed (list, customer_id, received_at)"
    " SELECT 'sale', max(id), now() FROM customers",
    "a mail nobody could match": "INSERT INTO unsubscribed (list, customer_id, received_at)"
    " VALUES ('news', NULL, now())",
    "a return": "INSERT INTO returns (order_id, warehouse_id, reason, received_at)"
    " SELECT id, warehouse_id, 'late', now() FROM orders WHERE ship_city = 'Malmö'",
}
ONE_ORDER = (
    "INSERT INTO orders (customer_id, warehouse_id, placed_at, status, ship_country, total_cents)"
    " VALUES (1, 1, '2025-07-15 12:00Z', 'open', 'DE', 1000)"
)
CASES = 4
MOMENT_S = 0.3
PLACED, CHANGED, CORRECTED, DELETED = 300, 300, 60, 20
NEW_ORDER = """
    WITH placed AS (
        INSERT INTO orders (customer_id, warehouse_id, placed_at, status, ship_country, ship_city,
                            ship_carrier, ship_currency, total_cents, coupon, meta)
        SELECT customer_id, warehouse_id, placed_at + interval '90 days', 'open', ship_country,
               ship_city, ship_carrier, ship_currency, total_cents, coupon, meta
          FROM orders WHERE id = %s RETURNING id)
    INSERT INTO order_items
    SELECT placed.id, line, product_id, quantity, unit_cents FROM placed, order_items
     WHERE order_id = %s
"""
INDEXES = """
    SELECT i.relname::text, t.relname::text, pg_relation_size(i.oid), x.indisunique, x.indisvalid,
           x.indkey::text, x.indclass::text, coalesce(pg_get_expr(x.indexprs, x.indrelid), ''),
           coalesce(pg_get_expr(x.indpred, x.indrelid), ''), coalesce(s.idx_scan, 0)
      FROM pg_index AS x
      JOIN pg_class AS i ON i.oid = x.indexrelid
      JOIN pg_class AS t ON t.oid = x.indrelid
      LEFT JOIN pg_stat_user_indexes AS s ON s.indexrelid = i.oid
     WHERE t.relnamespace = 'public'::regnamespace
     ORDER BY 1
"""


@pytest.fixture(scope="module")
def selling(open_shop, migrations, seed, random_orders):
    """A migrated shop of this run's seed."""
    with open_shop() as shop:
        shop.fill(random_orders, seed + 2)
        shop.migrate(migrations())
        yield shop


@pytest.fixture
def expect_right(selling, query, original, known_tickets, same_in, seed):
    """Judge every ticket beside its original query, now."""

    def judge(when):
        for ticket in known_tickets:
            for case in selling.cases(ticket, CASES, seed):
                wanted = selling.owner.rows(original(ticket), case)
                same_in(ticket, query(ticket), selling, case, wanted, when)

    return judge


@requirement("stays-right-after-writes")
def test_answers_are_right_after_every_kind_of_write(selling, expect_right):
    for what, write in WRITES.items():
        selling.owner.connection.execute(write)
        expect_right(f"after {what}")


@requirement("stays-right-after-writes")
def test_a_write_that_is_rolled_back_leaves_no_trace(selling, expect_right):
    selling.owner.connection.execute(f"BEGIN; {ONE_ORDER}; DELETE FROM orders WHERE id % 2 = 0")
    selling.owner.connection.execute("ROLLBACK")
    expect_right("after a ROLLBACK")


@requirement("stays-right-after-writes")
def test_two_orders_at_once_are_both_counted(selling, expect_right, open_session):
    with open_session(selling.database) as other:
        selling.owner.connection.execute(f"BEGIN; {ONE_ORDER}")
        second = threading.Thread(target=other.connection.execute, args=(ONE_ORDER,))
        second.start()
        second.join(MOMENT_S)  # it may have to wait for the first: then it goes on after its end
        selling.owner.connection.execute("COMMIT")
        second.join()
    expect_right("after two orders in two transactions at once")


def cost_of_writes(shop, rng, open_session):
    """Return the bytes of write-ahead log and the blocks that a mix of writes takes."""
    [(last,)] = shop.owner.connection.execute("SELECT max(id) FROM orders").fetchall()
    ids = [rng.randint(1, last) for _ in range(PLACED + CHANGED + CORRECTED)]
    wal, work = shop.database.wal_bytes(), shop.database.work()
    with open_session(shop.database) as session:
        write = session.connection.execute
        for id_ in ids[:PLACED]:
            write(NEW_ORDER, (id_, id_))
        for status in ("shipped", "delivered"):
            for id_ in ids[PLACED : PLACED + CHANGED]:
                write("UPDATE orders SET status = %s WHERE id = %s", (status, id_))
        for id_ in ids[-CORRECTED:]:
            write("UPDATE orders SET total_cents = total_cents + 1 WHERE id = %s", (id_,))
        for id_ in range(last - DELETED, last):
            write("DELETE FROM orders WHERE id = %s", (id_,))
    return shop.database.wal_bytes() - wal, (shop.database.work() - work).blocks


@pytest.fixture(scope="module")
def costs(open_shop, open_session, migrations, draw):
    """What the same writes cost in the bare shop and in the migrated one, and who was used."""
    state = draw.getstate()
    found = {}
    for name, statements in (("bare", []), ("yours", migrations())):
        with open_shop() as shop:
            shop.migrate(statements)
            draw.setstate(state)
            scans = {row[0]: row[-1] for row in shop.database.fetch(INDEXES)}
            wal, blocks = cost_of_writes(shop, draw, open_session)
            after = {row[0]: row[-1] for row in shop.database.fetch(INDEXES)}
            used = {key for key, one in after.items() if one > scans.get(key, 0)}
            found[name] = (wal, blocks, used)
    return found


@requirement("cheap-writes")
def test_writing_takes_little_more_log(costs, limits, record):
    bare, yours = costs["bare"][0], costs["yours"][0]
    record("wal_ratio", yours / bare)
    step = "Which index gets an entry from which write? An UPDATE of no indexed column needs none."
    limit = limits["wal_ratio"]
    expect(
        yours <= limit * bare,
        f"at most {limit:g} × the write-ahead log of the bare shop for the same writes",
        f"{yours / bare:.2f} × ({bare:,} bytes before, {yours:,} now)",
        step,
    )


@requirement("cheap-writes")
def test_writing_touches_few_more_blocks(costs, limits, record):
    bare, yours = costs["bare"][1], costs["yours"][1]
    record("write_blocks_ratio", yours / bare)
    limit = limits["write_blocks_ratio"]
    expect(
        yours <= limit * bare,
        f"at most {limit:g} × the blocks of the bare shop for the same writes",
        f"{yours / bare:.2f} × ({bare:,} blocks before, {yours:,} now)",
        "What do your triggers read and write for one order?",
    )


@requirement("index-budget")
def test_indexes_stay_within_their_budget(measured, bare_shop, limits, record):
    before = sum(row[2] for row in bare_shop.database.fetch(INDEXES))
    now = sum(row[2] for row in measured.shop.database.fetch(INDEXES))
    record("index_ratio", now / before)
    largest = sorted(measured.shop.database.fetch(INDEXES), key=lambda row: -row[2])[:4]
    names = ", ".join(f"{row[0]} {row[2] >> 10} KiB" for row in largest)
    expect(
        now <= limits["index_ratio"] * before,
        f"all indexes together at most {limits['index_ratio']:g} × those of the bare shop",
        f"{now / before:.2f} × ({before >> 10} KiB before, {now >> 10} KiB now); largest: {names}",
        "Which columns of which index does no query need? Which rows?",
    )


@requirement("index-budget")
def test_no_index_is_there_twice(measured):
    indexes = measured.shop.database.fetch(INDEXES)
    twice = [
        f"{one[0]} begins {other[0]}"
        for one in indexes
        for other in indexes
        if one[0] != other[0]
        and one[1] == other[1]
        and not one[3]
        and (*one[7:9],) == (*other[7:9],)
        and f"{other[5]} ".startswith(f"{one[5]} ")
        and f"{other[6]} ".startswith(f"{one[6]} ")
        and (one[5] != other[5] or one[0] > other[0] or other[3])
    ]
    step = "An index on (a, b) serves whoever looks for a."
    expect(not twice, "no index that another one begins with", "; ".join(twice), step)


@requirement("index-budget")
def test_every_index_is_used(measured, known_tickets, costs):
    used = set(costs["yours"][2])
    for ticket in known_tickets:
        for plan in measured.explained(ticket):
            used |= plan.indexes
    unused = [
        f"{row[0]} on {row[1]} ({row[2] >> 10} KiB)"
        for row in measured.shop.database.fetch(INDEXES)
        if row[0] not in used and not row[3] and row[1] in ("orders", "order_items", "customers")
    ]
    step = "Drop it, also if it was there before you came."
    expect(not unused, "every index to be used by a report or a write", "; ".join(unused), step)
