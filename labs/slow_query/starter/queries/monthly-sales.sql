-- Sales by month, as the shop in Berlin counts months, and country. Picked up in a shop: no country.
SELECT date_trunc('month', placed_at AT TIME ZONE 'Europe/Berlin')::date AS month,
       ship_country,
       count(*) AS orders,
       count(coupon) AS with_coupon,
       sum(total_cents) AS cents
  FROM orders
 WHERE status <> 'cancelled'
 GROUP BY 1, 2
 ORDER BY 1, 2
