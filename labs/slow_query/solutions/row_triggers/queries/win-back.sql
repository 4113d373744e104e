SELECT c.id, c.email, coalesce(b.orders, 0) AS orders, b.last_placed_at, b.paid_cents
  FROM customers AS c
  LEFT JOIN (SELECT o.customer_id,
                    count(*) AS orders,
                    max(o.placed_at) AS last_placed_at,
                    sum(i.cents) FILTER (WHERE o.status <> 'cancelled')::bigint AS paid_cents
               FROM orders AS o
               LEFT JOIN (SELECT order_id, sum(quantity * unit_cents) AS cents
                            FROM order_items
                           GROUP BY order_id) AS i ON i.order_id = o.id
              GROUP BY o.customer_id) AS b ON b.customer_id = c.id
 WHERE c.country = %(country)s
   AND c.id NOT IN (SELECT customer_id FROM unsubscribed WHERE list = %(list)s)
