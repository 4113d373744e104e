-- Many orders of one second, of one total, of one customer: what breaks a tie is the id alone.
INSERT INTO warehouses SELECT n, 'w' || n FROM generate_series(1, 4) AS n;
INSERT INTO products SELECT n, 'p' || n, 100 FROM generate_series(1, 5) AS n;
INSERT INTO customers
SELECT n, 'same@example.com', 'Same', (ARRAY['DE', 'FR'])[1 + n % 2], '2023-01-01 00:00Z'
  FROM generate_series(1, 6) AS n;
INSERT INTO unsubscribed (list, customer_id, received_at)
SELECT 'sale', 1 + n % 2, '2024-01-01 00:00Z' FROM generate_series(1, 6) AS n;

-- Ids do not come in the order of time.
INSERT INTO orders (id, customer_id, warehouse_id, placed_at, status, ship_country, ship_city,
                    ship_carrier, ship_currency, total_cents, coupon, meta)
SELECT 1 + (n * 37) % 211, 1 + n % 3, 1 + n % 3,
       timestamptz '2024-05-01 12:00Z' + (n / 70) * interval '1 second',
       (ARRAY['open', 'cancelled', 'delivered'])[1 + n % 3],
       'DE', 'Berlin', 'Hermes', 'EUR', 1000 * (1 + n % 2),
       (ARRAY['A', 'a', 'B'])[1 + n % 3], jsonb_build_object('campaign', 'c' || n % 2)
  FROM generate_series(0, 210) AS n;
INSERT INTO order_items
SELECT id, line, 1, 2, 50 FROM orders, generate_series(1, 3) AS line WHERE id % 5 > 0;
INSERT INTO returns (order_id, warehouse_id, reason, received_at)
SELECT o.id, w.id, 'broken', '2024-06-01 00:00Z'
  FROM orders AS o, warehouses AS w WHERE o.id % 3 = 0 AND w.id <= 2;
INSERT INTO returns (order_id, warehouse_id, reason, received_at)
SELECT id, warehouse_id, (ARRAY['late', 'small'])[1 + id % 2], '2024-06-02 00:00Z'
  FROM orders, generate_series(1, 2) WHERE id % 7 = 0;
