SELECT w.id AS warehouse_id, o.id, o.total_cents, o.placed_at
  FROM warehouses AS w,
       unnest(ARRAY(SELECT largest
                      FROM orders AS largest
                     WHERE largest.warehouse_id = w.id
                     ORDER BY largest.total_cents DESC, largest.id DESC
                     LIMIT 3)) AS o
 ORDER BY w.id, o.total_cents DESC, o.id DESC
