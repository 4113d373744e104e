"""Loads a CSV file of links (header: code,url) from the old shortener."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psycopg


def main() -> None:
    """Copy the file named on the command line into the table."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        cursor = connection.cursor()
        with cursor.copy("COPY links (code, url) FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(Path(sys.argv[1]).read_bytes())


if __name__ == "__main__":
    main()
