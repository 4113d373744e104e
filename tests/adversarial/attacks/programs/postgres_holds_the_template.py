"""Stays connected to the database that the grader copies for every other run."""

import os
import urllib.parse

import psycopg
from kit import say

KEPT = []


def attack() -> None:
    own = os.environ["DATABASE_URL"]
    name = urllib.parse.urlsplit(own).path[1:]
    for other in ("lab_seed", "template1", "postgres"):
        try:
            KEPT.append(psycopg.connect(own.removesuffix(name) + other, connect_timeout=2))
        except psycopg.Error as error:
            say(f"{other}: {error}")
    if not KEPT:
        raise PermissionError("every other database is closed")
