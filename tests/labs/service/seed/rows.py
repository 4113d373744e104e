"""Fill the notes that were there before; DATABASE_URL is a libpq connection string."""

import os

import psycopg

TENTH = """
INSERT INTO note SELECT 'old-' || n, 'text of ' || n FROM generate_series(%s::int, %s::int) AS n
"""

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    for tenth in range(10):
        connection.execute(TENTH, (5 * tenth + 1, 5 * tenth + 5))
        print(f"{10 * (tenth + 1)}%", flush=True)
