SELECT id, customer_id, placed_at, total_cents
  FROM orders
 WHERE lower(coupon) = lower(%(coupon)s)
   AND placed_at >= %(first)s::date::timestamp AT TIME ZONE 'Europe/Berlin'
   AND placed_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'Europe/Berlin'
 ORDER BY placed_at, id
