"""Sends datagrams to a UDP listener outside."""

import socket

from kit import TARGETS


def attack() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as connection:
        connection.sendto(b"from inside", ("127.0.0.1", TARGETS["udp"]))
