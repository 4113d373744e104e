-- New machines are ordered.
ANALYZE order_items;
