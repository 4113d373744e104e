-- What was sent back to the warehouse it came from, of all that went to a city.
SELECT r.reason, count(*) AS returns, sum(o.total_cents) AS cents
  FROM orders AS o
  JOIN returns AS r ON r.order_id = o.id AND r.warehouse_id = o.warehouse_id
 WHERE o.ship_country = %(country)s
   AND o.ship_city = %(city)s
   AND o.ship_carrier = %(carrier)s
   AND o.ship_currency = %(currency)s
 GROUP BY r.reason
 ORDER BY returns DESC, r.reason
