SELECT id, placed_at, total_cents, meta ->> 'device' AS device
  FROM orders
 WHERE (meta ? 'campaign' AND meta -> 'campaign' = to_jsonb(%(campaign)s::text))
    OR (lower(coupon) = lower(%(campaign)s) AND coupon = %(campaign)s)
