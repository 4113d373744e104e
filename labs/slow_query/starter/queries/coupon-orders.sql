-- Who used a coupon in a span of days, as the shop in Berlin counts days, whatever case was typed.
SELECT id, customer_id, placed_at, total_cents
  FROM orders
 WHERE lower(coupon) = lower(%(coupon)s)
   AND (placed_at AT TIME ZONE 'Europe/Berlin')::date BETWEEN %(first)s::date AND %(last)s::date
 ORDER BY placed_at, id
