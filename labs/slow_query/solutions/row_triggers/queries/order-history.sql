SELECT id, placed_at, customer_id, status, total_cents
  FROM orders
 WHERE %(after_id)s::bigint IS NULL
    OR (placed_at, id) < (%(after_placed_at)s::timestamptz, %(after_id)s::bigint)
 ORDER BY placed_at DESC, id DESC
 LIMIT 50
