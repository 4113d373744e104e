SELECT month,
       ship_country,
       sum(orders)::bigint AS orders,
       sum(with_coupon)::bigint AS with_coupon,
       sum(cents)::bigint AS cents
  FROM sales
 GROUP BY month, ship_country
HAVING sum(orders) > 0
 ORDER BY month, ship_country
