"""Has PostgreSQL fill the disk: 2.4 GiB of a table and of temporary files."""

import os
import threading

import psycopg

TABLE = """
CREATE UNLOGGED TABLE big (x text STORAGE EXTERNAL);
INSERT INTO big SELECT repeat('x', 100000000) FROM generate_series(1, 8)
"""


def write(name: int) -> None:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            connection.execute(TABLE.replace("big", f"big{name}").encode())
    except psycopg.Error:
        return


def attack() -> None:
    writers = [threading.Thread(target=write, args=(name,)) for name in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
