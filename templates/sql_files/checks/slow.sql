SELECT o.customer, o.id, o.cents
  FROM orders AS o
 WHERE o.customer = %(customer)s
   AND o.placed_at = (SELECT max(p.placed_at) FROM orders AS p WHERE p.customer = o.customer)
