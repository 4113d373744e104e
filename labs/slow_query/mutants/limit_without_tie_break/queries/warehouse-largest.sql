SELECT w.id AS warehouse_id, o.id, o.total_cents, o.placed_at
  FROM warehouses AS w
 CROSS JOIN LATERAL (SELECT id, total_cents, placed_at
                       FROM orders
                      WHERE warehouse_id = w.id
                      ORDER BY total_cents DESC
                      LIMIT 3) AS o
 ORDER BY w.id, o.total_cents DESC, o.id DESC
