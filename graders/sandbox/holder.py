"""Keep a network namespace alive and make sockets in it for the grader outside.

A stand-alone script (standard library only): `python -I -S holder.py FD`, where FD is a Unix
socket. It says its process id, then answers each byte with a new TCP socket; the end of the
conversation, which also comes when the grader is killed, ends it.
"""

import os
import socket
import sys


def main() -> None:
    """Serve sockets until nobody is there to ask."""
    with socket.socket(fileno=int(sys.argv[1])) as grader:
        grader.send(str(os.getpid()).encode())
        while grader.recv(1):
            with socket.socket() as made:
                socket.send_fds(grader, [b"s"], [made.fileno()])


if __name__ == "__main__":
    main()
