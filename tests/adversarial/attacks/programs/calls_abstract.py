"""Calls a Unix socket outside by its abstract name, which no file system hides."""

import socket

from kit import TARGETS


def attack() -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"\0{TARGETS['abstract']}")
        connection.sendall(b"from inside")
