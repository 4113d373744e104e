"""Make sockets in a network namespace, for the grader outside, and keep it alive.

A stand-alone script (standard library only): `python -I -S holder.py`, whose standard input is a
Unix socket. It answers each byte with a new TCP socket; the end of the conversation, which also
comes when the grader is killed, ends it.
"""

import sys
from _socket import SCM_RIGHTS, SOL_SOCKET, socket  # `socket` itself takes twice the time to load


def main() -> None:
    """Serve sockets until nobody is there to ask."""
    grader = socket(fileno=0)
    while grader.recv(1):
        made = socket()
        number = made.fileno().to_bytes(4, sys.byteorder)
        grader.sendmsg([b"s"], [(SOL_SOCKET, SCM_RIGHTS, number)])
        made.close()


if __name__ == "__main__":
    main()
