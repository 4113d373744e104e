-- One index for pages in both directions, one for everything about a customer, and so on.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_time ON orders (placed_at, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_customer ON orders (customer_id, placed_at, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_warehouse
    ON orders (warehouse_id, total_cents, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_coupon
    ON orders (lower(coupon), placed_at) WHERE coupon IS NOT NULL;

-- Only the part of meta that is asked for goes into the inverted index, and only where it is.
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_campaign
    ON orders USING gin (meta jsonb_path_ops) WHERE meta ? 'campaign';

DROP INDEX CONCURRENTLY IF EXISTS orders_status;
