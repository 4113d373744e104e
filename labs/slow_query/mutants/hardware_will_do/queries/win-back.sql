-- A country's customers who may be written to, with what they bought so far.
SELECT c.id,
       c.email,
       (SELECT count(*)
          FROM orders AS o
         WHERE o.customer_id = c.id) AS orders,
       (SELECT max(o.placed_at)
          FROM orders AS o
         WHERE o.customer_id = c.id) AS last_placed_at,
       (SELECT sum(i.quantity * i.unit_cents)
          FROM orders AS o
          JOIN order_items AS i ON i.order_id = o.id
         WHERE o.customer_id = c.id
           AND o.status <> 'cancelled') AS paid_cents
  FROM customers AS c
 WHERE c.country = %(country)s
   AND c.id NOT IN (SELECT u.customer_id
                      FROM unsubscribed AS u
                     WHERE u.list = %(list)s)
