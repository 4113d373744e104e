-- The orders that a campaign brought: its link was followed, or its name given as a coupon.
SELECT id, placed_at, total_cents, meta ->> 'device' AS device
  FROM orders
 WHERE meta @> jsonb_build_object('campaign', %(campaign)s::text)
    OR coupon = %(campaign)s
