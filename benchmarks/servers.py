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
WAIT_MS, WAIT_SIGMA, SPIN_MS = 15.0, 0.3, 0.5
SCALED = "scaled-"  # and the factor


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


async def scaled(_started_s: float, rng: random.Random, factor: float) -> None:
    """Wait a log-normal time and then use the CPU a little, both in proportion to a factor."""
    await asyncio.sleep(factor * rng.lognormvariate(math.log(WAIT_MS), WAIT_SIGMA) / 1000)
    until_s = time.thread_time() + factor * SPIN_MS / 1000
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
    """Return the law with this name; `scaled-1.5` is the scaled one with that factor."""
    if name.startswith(SCALED):
        return functools.partial(scaled, factor=float(name.removeprefix(SCALED)))
    return LAWS[name]


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
