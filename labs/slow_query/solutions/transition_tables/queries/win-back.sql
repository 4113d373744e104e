WITH ordered AS (
    SELECT customer_id, count(*) AS orders, max(placed_at) AS last_placed_at
      FROM orders
     GROUP BY customer_id
), paid AS (
    SELECT o.customer_id, sum(i.quantity * i.unit_cents) AS cents
      FROM orders AS o
      JOIN order_items AS i ON i.order_id = o.id
     WHERE o.status <> 'cancelled'
     GROUP BY o.customer_id
)
SELECT c.id,
       c.email,
       coalesce(ordered.orders, 0) AS orders,
       ordered.last_placed_at,
       paid.cents AS paid_cents
  FROM customers AS c
  LEFT JOIN ordered ON ordered.customer_id = c.id
  LEFT JOIN paid ON paid.customer_id = c.id
 WHERE c.country = %(country)s
   AND c.id NOT IN (SELECT customer_id FROM unsubscribed WHERE list = %(list)s)
