-- Every order lies before the end of time, which is where the first page begins.
SELECT id, placed_at, customer_id, status, total_cents
  FROM orders
 WHERE placed_at <= coalesce(%(after_placed_at)s::timestamptz, 'infinity')
   AND (placed_at < coalesce(%(after_placed_at)s::timestamptz, 'infinity')
        OR id < %(after_id)s::bigint)
 ORDER BY placed_at DESC, id DESC
 LIMIT 50
