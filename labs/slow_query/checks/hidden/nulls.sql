-- Whatever may be missing is missing somewhere: customers without orders, orders without items.
INSERT INTO warehouses SELECT n, 'w' || n FROM generate_series(1, 3) AS n;
INSERT INTO products VALUES (1, 'p', 100);
INSERT INTO customers
SELECT n, 'n' || n || '@example.com', 'N', (ARRAY['DE', 'FR', 'GB'])[1 + n % 3], '2023-01-01 00:00Z'
  FROM generate_series(1, 12) AS n;
INSERT INTO unsubscribed (list, customer_id, received_at) VALUES
    ('sale', 1, '2024-01-01 00:00Z'), ('sale', NULL, '2024-01-02 00:00Z'),
    ('news', 2, '2024-01-01 00:00Z'), ('news', 2, '2024-01-03 00:00Z'),
    ('lost', NULL, '2024-01-01 00:00Z');
INSERT INTO orders (id, customer_id, warehouse_id, placed_at, status, ship_country, ship_city,
                    ship_carrier, ship_currency, total_cents, coupon, meta)
SELECT n, 1 + n % 8, 1 + n % 2, timestamptz '2024-03-01 00:00Z' + n * interval '5 hours',
       CASE WHEN n % 8 = 3 THEN 'cancelled' ELSE 'delivered' END,
       CASE WHEN n % 3 > 0 THEN 'DE' END, CASE WHEN n % 3 > 0 THEN 'Köln' END,
       CASE WHEN n % 3 > 1 THEN 'Hermes' END, CASE WHEN n % 3 > 1 THEN 'EUR' END,
       CASE WHEN n % 10 = 0 THEN 0 ELSE n END, CASE WHEN n % 4 = 0 THEN '' WHEN n % 4 = 1 THEN '7' END,
       (ARRAY['{}', '{"campaign": null}', '{"campaign": 7}', '{"campaign": "7"}',
              '{"campaign": ["7"]}', '{"campaign": {"7": 7}}', '{"other": {"campaign": "7"}}',
              '[]', '"campaign"', '{"campaign": "7", "device": null}', '["campaign", "7"]',
              '[{"campaign": "7"}]'])[1 + n % 12]::jsonb
  FROM generate_series(1, 60) AS n;
INSERT INTO order_items
SELECT id, line, 1, 1, line * 100 FROM orders, generate_series(1, 2) AS line WHERE id % 4 = 1;
INSERT INTO returns (order_id, warehouse_id, reason, received_at)
SELECT id, warehouse_id, 'other', '2024-06-01 00:00Z' FROM orders WHERE id % 2 = 0;
