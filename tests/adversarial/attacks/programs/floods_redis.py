"""Opens connections to Redis until there are none left."""

import os
import socket
import urllib.parse

from kit import say

COUNT = 600
KEPT = []


def attack() -> None:
    address = urllib.parse.urlsplit(os.environ["REDIS_URL"])
    for _ in range(COUNT):
        try:
            connection = socket.create_connection((address.hostname, address.port), 2)
            connection.sendall(b"PING\r\n")
            KEPT.append(connection)
        except OSError:
            break
    say(f"{len(KEPT)} connections")
