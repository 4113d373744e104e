CREATE TABLE words AS SELECT n, repeat('x', 500) AS word FROM generate_series(1, 5000) AS n;
