"""Free TCP ports on the loopback address."""

import socket


def free_port() -> int:
    """Return a port nobody listens on now; who uses it must be ready to lose it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
