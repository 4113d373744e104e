SELECT month, ship_country, orders, with_coupon, cents
  FROM monthly_sales
 WHERE orders > 0
 ORDER BY month, ship_country
