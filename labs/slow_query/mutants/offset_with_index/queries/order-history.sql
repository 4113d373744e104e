-- All orders, newest first, page by page.
SELECT id, placed_at, customer_id, status, total_cents
  FROM orders
 ORDER BY placed_at DESC, id DESC
 LIMIT 50
OFFSET %(offset)s
