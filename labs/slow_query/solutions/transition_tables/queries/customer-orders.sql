SELECT id, placed_at, status, total_cents
  FROM orders
 WHERE customer_id = %(customer)s
 ORDER BY placed_at DESC, id DESC
 LIMIT 20
