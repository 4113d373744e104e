-- Moments on both sides of every border that Berlin has and UTC has not, and letters with two cases.
INSERT INTO warehouses VALUES (1, 'w');
INSERT INTO products VALUES (1, 'p', 100);
INSERT INTO customers
SELECT n, 'Ümlaut' || n || '@example.com', 'B', 'DE', '2023-01-01 00:00Z'
  FROM generate_series(1, 3) AS n;
INSERT INTO unsubscribed (list, customer_id, received_at) VALUES ('sale', 2, '2024-01-01 00:00Z');
INSERT INTO orders (customer_id, warehouse_id, placed_at, status, ship_country, ship_city,
                    ship_carrier, ship_currency, total_cents, coupon, meta)
SELECT 1 + n % 2, 1, moment + shift * interval '1 second', 'delivered', country, 'Berlin', 'Hermes',
       'EUR', 100 + n::int, code, '{"campaign": "Grün"}'
  FROM unnest(ARRAY['2023-12-31 22:00Z', '2023-12-31 23:00Z', '2024-01-01 00:00Z',
                    '2024-02-28 23:00Z', '2024-02-29 12:00Z', '2024-02-29 23:00Z',
                    '2024-03-30 23:00Z', '2024-03-31 01:00Z', '2024-03-31 22:00Z',
                    '2024-03-31 23:00Z', '2024-10-26 22:00Z', '2024-10-27 01:00Z',
                    '2024-10-27 22:00Z', '2024-10-27 23:00Z', '2024-10-31 23:00Z']::timestamptz[])
           WITH ORDINALITY AS borders (moment, n),
       generate_series(-1, 1) AS shift,
       unnest(ARRAY['DE', NULL]) AS country,
       unnest(ARRAY['Grün', 'GRÜN', 'grün', 'STRASSE', 'Straße', 'ſ', 'S', 's', 'K', 'k', 'x_y', 'X-Y',
                    'x%y', 'É', 'é']) WITH ORDINALITY AS codes (code, c)
 WHERE (c + n) % 5 = 0 OR moment = '2024-03-31 22:00Z';
INSERT INTO order_items SELECT id, 1, 1, 1, total_cents FROM orders;
INSERT INTO returns (order_id, warehouse_id, reason, received_at)
SELECT id, 1, 'late', placed_at FROM orders WHERE id % 9 = 0;
