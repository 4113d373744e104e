-- However wrong the planner is about a city: a return is found by its order, not by its warehouse.
CREATE INDEX CONCURRENTLY IF NOT EXISTS returns_by_order ON returns (order_id);
DROP INDEX CONCURRENTLY IF EXISTS returns_warehouse;

ANALYZE orders;
