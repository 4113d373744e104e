SELECT c.id, c.email, coalesce(b.orders, 0) AS orders, b.last_placed_at, b.paid_cents
  FROM customers AS c
  LEFT JOIN (SELECT o.customer_id,
                    count(*) AS orders,
                    max(o.placed_at) AS last_placed_at,
                    sum(i.quantity * i.unit_cents) FILTER (WHERE o.status <> 'cancelled')
                        AS paid_cents
               FROM orders AS o
               LEFT JOIN order_items AS i ON i.order_id = o.id
              GROUP BY o.customer_id) AS b ON b.customer_id = c.id
 WHERE c.country = %(country)s
   AND c.id NOT IN (SELECT customer_id FROM unsubscribed WHERE list = %(list)s)
