"""A TCP proxy between a submission and a service: faults on demand, and counts of what passes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from graders.sandbox import Network

CHUNK_BYTES = 1 << 16


class Observer(Protocol):
    """Sees what the client sends on one connection, chunk by chunk."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        ...


class Proxy:
    """Forwards 127.0.0.1:port to a service; lives on the event loop that opened it.

    It listens in one network and reaches the service at `upstream` in another, or the same.
    `delay_s` holds back each answer of the service; `open` false refuses and cuts connections;
    `flowing` cleared swallows nothing but lets nothing through either (a black hole).
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        upstream_network: Network,
        network: Network,
        observe: Callable[[], Observer] | None = None,
    ) -> None:
        self._upstream, self._upstream_network = upstream, upstream_network
        self._network = network
        self.port = 0
        self.delay_s = 0.0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.observe = observe
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Say if it listens."""
        return self._server is not None

    async def open(self) -> None:
        """Listen, on the same port again after a cut."""
        listening = self._network.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        self._server = await asyncio.start_server(self._connected, sock=listening)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Close the port and every connection, as when the service's machine is switched off."""
        if self._server:
            self._server.close()
            self._server = None
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        if not self.is_open:  # accepted just before a cut
            _abort(writer)
            return
        self._connections.add(task)
        try:
            await self._forward_both_ways(reader, writer)
        except asyncio.CancelledError:
            pass  # a cut: the streams are closed below, the server goes on
        finally:
            self._connections.discard(task)
            _abort(writer)

    async def _forward_both_ways(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async with _connected_to(self._upstream, self._upstream_network) as (up_reader, up_writer):
            observer = self.observe() if self.observe else None
            ways = [
                asyncio.ensure_future(self._forward(reader, up_writer, observer, delayed=False)),
                asyncio.ensure_future(self._forward(up_reader, writer, None, delayed=True)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    async def _forward(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        observer: Observer | None,
        *,
        delayed: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                await self.flowing.wait()
                if delayed and self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if observer:
                    observer.feed(chunk)
                sink.write(chunk)
                await sink.drain()


@contextlib.asynccontextmanager
async def _connected_to(
    address: tuple[str, int], network: Network
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    try:
        reader, writer = await network.connect(*address)
    except OSError:
        raise asyncio.CancelledError from None  # the service is away: so is our connection
    try:
        yield reader, writer
    finally:
        _abort(writer)


def _abort(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    transport.abort()
