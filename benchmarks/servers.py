"""Servers of known latency law, run as `python -m benchmarks.servers LAW PORT`."""

import asyncio
import contextlib
import functools
import math
import random
import sys
import time
from collections.abc import Awaitable, Callable

Law = Callable[[float, random.Random], Awaitable[None]]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"
SERVICE_MS = 2.0
SLOW_SHARE, SLOW_MS = 0.02, 50.0
STALL_EVERY_S, STALL_S = 3.0, 0.5
WAIT_SIGMA = 0.3
SCALED = {"waiting": (15.0, 0.5), "computing": (3.0, 2.0)}  # milliseconds of waiting and of CPU


async def constant(_started_s: float, _rng: random.Random) -> None:
    """Take the same time for every request."""
    await asyncio.sleep(SERVICE_MS / 1000)


async def some_slow(_started_s: float, rng: random.Random) -> None:
    """Take long for one request in fifty."""
    await asyncio.sleep((SLOW_MS if rng.random() < SLOW_SHARE else SERVICE_MS) / 1000)


async def stalling(started_s: float, _rng: random.Random) -> None:
    """Answer nobody for half a second every three seconds."""
    phase_s = (time.monotonic() - started_s) % STALL_EVERY_S
    if phase_s < STALL_S:
        await asyncio.sleep(STALL_S - phase_s)
    await asyncio.sleep(SERVICE_MS / 1000)


async def scaled(
    _started_s: float, rng: random.Random, factor: float, wait_ms: float, spin_ms: float
) -> None:
    """Wait a log-normal time and then use the CPU, both in proportion to a factor."""
    await asyncio.sleep(factor * rng.lognormvariate(math.log(wait_ms), WAIT_SIGMA) / 1000)
    until_s = time.thread_time() + factor * spin_ms / 1000
    while time.thread_time() < until_s:
        pass


LAWS: dict[str, Law] = {
    "constant": constant,
    "some_slow": some_slow,
    "stalling": stalling,
}


def true_percentile_ms(law: str, percent: float) -> float:
    """Return the percentile an observer with evenly spread arrivals would see."""
    if law == "stalling":
        stalled = STALL_S / STALL_EVERY_S
        beyond = 1 - percent / 100
        if beyond < stalled:
            return (STALL_S - beyond * STALL_EVERY_S) * 1000 + SERVICE_MS
    if law == "some_slow" and 1 - percent / 100 < SLOW_SHARE:
        return SLOW_MS
    return SERVICE_MS


def law_of(name: str) -> Law:
    """Return the law with this name; `waiting-1.5` is a scaled one with that factor."""
    kind, _, factor = name.partition("-")
    if kind not in SCALED:
        return LAWS[name]
    wait_ms, spin_ms = SCALED[kind]
    return functools.partial(scaled, factor=float(factor), wait_ms=wait_ms, spin_ms=spin_ms)


async def serve(name: str, port: int) -> None:
    """Serve until the process is ended."""
    started_s, rng, law = time.monotonic(), random.Random(port), law_of(name)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # the client has gone
            while await reader.readuntil(b"\r\n\r\n"):
                await law(started_s, rng)
                writer.write(ANSWER)

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
