"""Loads a CSV file of links (header: code,url) from the old shortener."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg

CHUNK_BYTES = 1 << 20


def load(connection: psycopg.Connection, path: Path) -> tuple[int, int]:
    """Copy the file in; returns how many links it held and how many were new."""
    with connection.cursor() as cursor:
        # Through a table of its own, because COPY cannot skip what is there already:
        # that way a run that was broken off can simply be repeated.
        cursor.execute("CREATE TEMP TABLE incoming (code text, url text) ON COMMIT DROP")
        with (
            path.open("rb") as source,
            cursor.copy("COPY incoming FROM STDIN (FORMAT csv, HEADER)") as copy,
        ):
            while chunk := source.read(CHUNK_BYTES):
                copy.write(chunk)
        held = cursor.rowcount
        cursor.execute(
            """INSERT INTO links (code, url) SELECT code, url FROM incoming
            WHERE NOT EXISTS (SELECT FROM links WHERE links.code = incoming.code)"""
        )
        return held, cursor.rowcount


def main() -> None:
    """Import the file named on the command line."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        held, new = load(connection, Path(sys.argv[1]))
        connection.commit()
        # The planner would otherwise still take the table for an empty one.
        connection.execute("ANALYZE links")
    print(f"{new} links imported, {held - new} codes were taken already")


if __name__ == "__main__":
    main()
