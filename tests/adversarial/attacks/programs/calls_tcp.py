"""Calls a TCP listener outside."""

import socket

from kit import TARGETS


def attack() -> None:
    with socket.create_connection(("127.0.0.1", TARGETS["tcp"]), 2) as connection:
        connection.sendall(b"from inside")
