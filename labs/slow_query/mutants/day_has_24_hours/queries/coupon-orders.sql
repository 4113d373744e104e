SELECT id, customer_id, placed_at, total_cents
  FROM orders
 WHERE lower(coupon) = lower(%(coupon)s)
   AND placed_at >= %(first)s::date::timestamp AT TIME ZONE 'Europe/Berlin'
   AND placed_at < %(last)s::date::timestamp AT TIME ZONE 'Europe/Berlin' + interval '24 hours'
 ORDER BY placed_at, id
