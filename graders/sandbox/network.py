"""The network a run takes place in: this machine's loopback, or one that holds nothing else."""

import array
import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from graders.errors import MachineError
from graders.processes import Supervised

HOLDER = Path(__file__).with_name("holder.py")
TELL_AND_BECOME = 'echo $$ >&0; exec "$@"'
HOLDER_TIMEOUT_S = 10.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Network(Protocol):
    """Where services listen, submissions serve and load is offered."""

    join: tuple[str, ...]
    """Command prefix for the kit's own programs that live in it."""

    def socket(self) -> socket.socket:
        """Return a new TCP socket in this network."""
        ...

    def free_port(self) -> int:
        """Return a port nobody listens on now; who uses it must be ready to lose it."""
        ...

    async def connect(self, host: str, port: int) -> Streams:
        """Open a connection in this network."""
        ...

    def started(self, service: Supervised) -> None:
        """Take note of a service that now serves in it."""
        ...


class HostNetwork:
    """The loopback of this machine, which the grader itself lives in."""

    join: tuple[str, ...] = ()

    def socket(self) -> socket.socket:
        """Return a new TCP socket."""
        return socket.socket()

    def free_port(self) -> int:
        """Return a port nobody listens on now."""
        return _free_port(self)

    async def connect(self, host: str, port: int) -> Streams:
        """Open a connection to any host this machine reaches."""
        return await asyncio.open_connection(host, port)

    def started(self, service: Supervised) -> None:
        """Take no note: nothing is watched here."""


class IsolatedNetwork:
    """A network namespace with nothing but a loopback, alive as long as its holder is.

    The grader stays outside: it gets its sockets from the holder, which makes them inside. `root`
    is the file system the holder sees, with the sized folders that were mounted for it.
    """

    def __init__(self, prefix: Sequence[str], log: Path, *, own_users: bool) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(HOLDER_TIMEOUT_S)
        self._lock = threading.Lock()
        self.services: list[Supervised] = []
        # A shell says the process id as soon as all is mounted: who needs no sockets yet does not
        # wait for Python.
        holder = ["sh", "-c", TELL_AND_BECOME, "sh", sys.executable, "-I", "-S", str(HOLDER)]
        with log.open("wb") as output, theirs:
            self._process = subprocess.Popen(
                [*prefix, *holder],
                stdin=theirs.fileno(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        said = self._ours.recv(32)
        if not said:
            self.close()
            raise MachineError(
                "No network of its own could be made for the run.",
                "Run `lab doctor`: it says what this machine forbids and how to allow it.",
                log.read_text(errors="replace").splitlines()[-5:],
            )
        pid = int(said)
        self.root = Path(f"/proc/{pid}/root")
        users = ("--preserve-credentials", f"--user=/proc/{pid}/ns/user") if own_users else ()
        self.join = ("nsenter", *users, f"--net=/proc/{pid}/ns/net", "--")
        files = f"--mount=/proc/{pid}/ns/mnt"
        self.join_with_files = (*self.join[:-1], files, "--")
        self.join_files = ("nsenter", *users, files, "--")

    def socket(self) -> socket.socket:
        """Return a new TCP socket in the namespace, made by the holder."""
        with self._lock:
            self._ours.send(b"t")
            _, ancillary, _, _ = self._ours.recvmsg(1, socket.CMSG_SPACE(4))
        if not ancillary:
            raise MachineError(
                "The run's network is gone: its holder has ended.", "Grade again; keep the log."
            )
        [number] = array.array("i", ancillary[0][2])
        return socket.socket(fileno=number)

    def free_port(self) -> int:
        """Return a port nobody listens on now in the namespace."""
        return _free_port(self)

    async def connect(self, host: str, port: int) -> Streams:
        """Open a connection to an address in the namespace."""
        connection = self.socket()
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (host, port))
        except BaseException:
            connection.close()
            raise
        return await asyncio.open_connection(sock=connection)

    def started(self, service: Supervised) -> None:
        """Take note of a service, for who watches what submissions make it take."""
        self.services.append(service)

    def close(self) -> None:
        """Let the holder go; the namespace goes with the last process in it."""
        self._ours.close()
        self._process.wait()


def _free_port(network: Network) -> int:
    with network.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
