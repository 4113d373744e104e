"""Calls a Unix socket outside by its path."""

import socket

from kit import TARGETS


def attack() -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(TARGETS["unix"])
        connection.sendall(b"from inside")
