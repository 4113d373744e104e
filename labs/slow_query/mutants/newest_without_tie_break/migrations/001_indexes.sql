-- Each of these is built beside the shop's work: it takes longer, and nobody waits.

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_customer
    ON orders (customer_id, placed_at DESC);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_newest_first
    ON orders (placed_at DESC, id DESC);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_warehouse
    ON orders (warehouse_id, total_cents DESC, id DESC);

-- Few orders have a coupon or a campaign: the others cost these indexes nothing.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_with_coupon
    ON orders (lower(coupon)) WHERE coupon IS NOT NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_campaign
    ON orders ((meta -> 'campaign')) WHERE meta ? 'campaign';

-- No query uses it, and it makes every change of a status write to all the others.
DROP INDEX CONCURRENTLY IF EXISTS orders_status;
