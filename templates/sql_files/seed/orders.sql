CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer integer NOT NULL,
    placed_at timestamptz NOT NULL,
    cents integer NOT NULL
);

-- Every customer's two newest orders were placed in the same second.
INSERT INTO orders (customer, placed_at, cents)
SELECT n % 500, timestamptz '2024-01-01 00:00Z' + (n / 1000) * interval '1 second', n
  FROM generate_series(0, 19999) AS n;

ANALYZE orders;
