-- Each of these is built beside the shop's work: it takes longer, and nobody waits.

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_customer
    ON orders (customer_id, placed_at DESC, id DESC);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_newest_first
    ON orders (placed_at DESC, id DESC);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_warehouse
    ON orders (warehouse_id, total_cents DESC, id DESC);

-- Few orders have a coupon or a campaign: the others cost these indexes nothing.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_with_coupon
    ON orders (lower(coupon)) WHERE coupon IS NOT NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_campaign
    ON orders ((meta -> 'campaign')) WHERE meta ? 'campaign';


CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_customer_id ON orders (customer_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_warehouse_id ON orders (warehouse_id);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_placed_at ON orders (placed_at);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_ship_country ON orders (ship_country);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_ship_city ON orders (ship_city);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_ship_carrier ON orders (ship_carrier);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_ship_currency ON orders (ship_currency);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total_cents ON orders (total_cents);

CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_coupon ON orders (coupon);

