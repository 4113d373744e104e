"""Has PostgreSQL keep values of 0.7 GB in memory, in three sessions."""

import os
import threading

import psycopg

HUNGRY = "SELECT length(x) FROM (SELECT repeat('x', 700000000) x OFFSET 0) a, pg_sleep(2)"


def eat() -> None:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            connection.execute(HUNGRY)
    except psycopg.Error:
        return


def attack() -> None:
    eaters = [threading.Thread(target=eat) for _ in range(3)]
    for one in eaters:
        one.start()
    for one in eaters:
        one.join()
