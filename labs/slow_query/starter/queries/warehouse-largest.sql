-- The three largest orders of each warehouse.
SELECT warehouse_id, id, total_cents, placed_at
  FROM (SELECT o.*,
               row_number() OVER (PARTITION BY warehouse_id
                                  ORDER BY total_cents DESC, id DESC) AS place
          FROM orders AS o) AS ranked
 WHERE place <= 3
 ORDER BY warehouse_id, total_cents DESC, id DESC
