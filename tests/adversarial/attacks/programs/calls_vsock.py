"""Opens a socket to the machine this one may run on (vsock), which no network namespace hides."""

import socket

from kit import prove


def attack() -> None:
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as connection:
        connection.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
        prove(f"bound {connection.getsockname()}")
