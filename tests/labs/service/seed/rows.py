"""Fill the notes that were there before; DATABASE_URL is a libpq connection string."""

import os

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute(
        "INSERT INTO note SELECT 'old-' || n, 'text of ' || n FROM generate_series(1, 50) AS n"
    )
