CREATE MATERIALIZED VIEW IF NOT EXISTS monthly_sales AS
SELECT date_trunc('month', placed_at AT TIME ZONE 'Europe/Berlin')::date AS month,
       ship_country,
       count(*) AS orders,
       count(coupon) AS with_coupon,
       sum(total_cents) AS cents
  FROM orders
 WHERE status <> 'cancelled'
 GROUP BY 1, 2;

REFRESH MATERIALIZED VIEW monthly_sales;
