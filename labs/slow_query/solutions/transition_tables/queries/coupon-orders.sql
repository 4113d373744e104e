SELECT id, customer_id, placed_at, total_cents
  FROM orders
 WHERE lower(coupon) = lower(%(coupon)s)
   AND placed_at >= timezone('Europe/Berlin', %(first)s::date::timestamp)
   AND placed_at < timezone('Europe/Berlin', %(last)s::date + interval '1 day')
 ORDER BY placed_at, id
