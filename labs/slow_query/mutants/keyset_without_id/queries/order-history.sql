SELECT id, placed_at, customer_id, status, total_cents
  FROM orders
 WHERE %(after_placed_at)s::timestamptz IS NULL
    OR placed_at < %(after_placed_at)s::timestamptz
 ORDER BY placed_at DESC, id DESC
 LIMIT 50
