"""Has PostgreSQL keep values of 0.5 GB in memory, in four sessions."""

import contextlib
import os
import threading

import psycopg

VALUE = "repeat(repeat('x', 10000), 50000)"
HUNGRY = f"SELECT octet_length(x) FROM (SELECT {VALUE} x OFFSET 0) a, pg_sleep(1)"


def eat() -> None:
    with contextlib.suppress(psycopg.Error), psycopg.connect(os.environ["DATABASE_URL"]) as own:
        own.execute(HUNGRY)


def attack() -> None:
    eaters = [threading.Thread(target=eat) for _ in range(4)]
    for one in eaters:
        one.start()
    for one in eaters:
        one.join()
