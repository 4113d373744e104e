-- The day before the shop opens: there are warehouses and a customer, and nothing was ordered.
INSERT INTO warehouses VALUES (1, 'w'), (2, 'v');
INSERT INTO customers VALUES (1, 'first@example.com', 'First', 'DE', '2023-01-01 00:00Z');
