SELECT customer, id, cents
  FROM orders
 WHERE customer = %(customer)s
 ORDER BY placed_at DESC
 LIMIT 1
