"""Locks the table that the grader will count, and keeps the lock."""

import os

import psycopg

KEPT = []


def attack() -> None:
    connection = psycopg.connect(os.environ["DATABASE_URL"])
    connection.execute("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE")
    KEPT.append(connection)
