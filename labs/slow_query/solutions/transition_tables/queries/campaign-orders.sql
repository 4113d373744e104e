SELECT id, placed_at, total_cents, meta ->> 'device' AS device
  FROM orders
 WHERE meta ? 'campaign'
   AND meta @> jsonb_build_object('campaign', %(campaign)s::text)
UNION
SELECT id, placed_at, total_cents, meta ->> 'device'
  FROM orders
 WHERE lower(coupon) = lower(%(campaign)s)
   AND coupon = %(campaign)s
