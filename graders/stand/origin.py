"""A slow, narrow server the grader plays behind a submission: a ledger, and faults on demand."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web
from anyio.from_thread import BlockingPortal

from graders.sandbox import Network
from graders.stand.listener import Asked, Listener, Reply

POLL_S = 0.01
BUSY = Reply(503, b'{"detail": "more calls at once than this origin serves"}', {"Retry-After": "1"})
Matches = Callable[[Asked], bool]


@dataclass(eq=False)
class OriginCall:
    """A call in the ledger; times are those of `time.monotonic()`, `status` is None until its end.

    `key` is the same for calls that ask for the same. `beside` counts the calls under way when it
    came, itself included. `cause` says what it was made for: "first", "write", "same call under
    way", or how long after the last such answer.
    """

    asked: Asked
    key: str
    at_s: float
    beside: int
    cause: str
    refused: bool = False
    status: int | None = None
    ended_s: float | None = None


@dataclass(eq=False)
class Hold:
    """Keeps calls waiting until released: before the origin acts, or with the answer made.

    It takes at most `room` calls; the others pass.
    """

    matches: Matches
    answered: bool
    room: int
    portal: BlockingPortal
    calls: list[OriginCall] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def wait_for(self, count: int = 1, within_s: float = 5.0) -> bool:
        """Wait until so many calls are kept; say if that came true."""
        return _becomes_true(lambda: len(self.calls) >= count, within_s)

    def release(self) -> None:
        """Let all of them go on, and those that come later."""
        self.portal.call(self._release)

    async def _release(self) -> None:
        self.released.set()


class Origin(Listener):
    """Serves `width` calls at a time, each in `delay_s`; beyond that, it refuses with 503.

    `answer` is asked half-way through the delay, on the event loop that serves everything. A
    caller that hangs up makes room at once.
    """

    leaves_with_caller = True

    def __init__(
        self,
        portal: BlockingPortal,
        network: Network,
        answer: Callable[[Asked], Reply],
        *,
        width: int = 8,
        delay_s: float = 0.06,
        key: Callable[[Asked], str] = lambda asked: f"{asked.method} {asked.target}",
    ) -> None:
        self.width, self.delay_s, self._key = width, delay_s, key
        self.calls: list[OriginCall] = []
        self.faults: list[tuple[float, float | None, str]] = []
        self._under_way: list[OriginCall] = []
        self._last_ended_s: dict[str, float] = {}
        self._holds: list[Hold] = []
        self._failing: Reply | None = None
        self._hangs_up = False
        super().__init__(portal, network, answer)

    @property
    def refused(self) -> list[OriginCall]:
        """The calls that came when `width` others were under way."""
        return [call for call in self.calls if call.refused]

    def since(self, number: int, method: str = "GET", target: str = "") -> list[OriginCall]:
        """Return the calls from entry `number` on: of a method, to any target or to one."""
        return [
            call
            for call in self.calls[number:]
            if call.asked.method == method and target in ("", call.asked.target)
        ]

    def wait_until_quiet(self, quiet_s: float = 0.3, within_s: float = 10.0) -> bool:
        """Wait until no call is under way and none has come for a while; say if that came true."""
        return _becomes_true(lambda: self._quiet_for_s() >= quiet_s, within_s)

    @contextmanager
    def hold(
        self, matches: Matches, *, answered: bool = True, room: int = sys.maxsize
    ) -> Iterator[Hold]:
        """Keep matching calls waiting, by default with an answer that tells the state of now."""
        hold = Hold(matches, answered, room, self._portal)
        with self._fault("answers held back"):
            self._holds.append(hold)
            try:
                yield hold
            finally:
                self._holds.remove(hold)
                hold.release()

    @contextmanager
    def hanging(self) -> Iterator[Hold]:
        """Accept every call and answer none."""
        with self._fault("hangs"), self.hold(lambda _asked: True, answered=False) as hold:
            yield hold

    @contextmanager
    def answering(self, status: int, body: bytes = b'{"detail": "out of order"}') -> Iterator[None]:
        """Answer every call with an error; nothing is read or written."""
        with self._fault(f"answers {status}"):
            self._failing = Reply(status, body)
            try:
                yield
            finally:
                self._failing = None

    @contextmanager
    def hanging_up(self) -> Iterator[None]:
        """Close the connection of every call without an answer."""
        with self._fault("hangs up"):
            self._hangs_up = True
            try:
                yield
            finally:
                self._hangs_up = False

    @contextmanager
    def taking(self, delay_s: float) -> Iterator[None]:
        """Take another time for each call."""
        before_s, self.delay_s = self.delay_s, delay_s
        with self._fault(f"takes {delay_s:g} s"):
            try:
                yield
            finally:
                self.delay_s = before_s

    @contextmanager
    def _fault(self, name: str) -> Iterator[None]:
        number, started_s = len(self.faults), time.monotonic()
        self.faults.append((started_s, None, name))
        try:
            yield
        finally:
            self.faults[number] = (started_s, time.monotonic(), name)

    def _quiet_for_s(self) -> float:
        if self._under_way:
            return 0.0
        ended = (call.ended_s for call in reversed(self.calls) if call.ended_s)
        return time.monotonic() - next(ended, float("-inf"))

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        call = self._note(Asked(request.method, request.raw_path, request.headers, body))
        if call.refused:
            return _response(BUSY)
        self._under_way.append(call)
        try:
            reply = await self._work(call)
            call.status = reply.status
        finally:
            self._under_way.remove(call)
            call.ended_s = self._last_ended_s[call.key] = time.monotonic()
        if self._hangs_up and request.transport:
            request.transport.abort()
        return _response(reply)

    def _note(self, asked: Asked) -> OriginCall:
        key, now_s, beside = self._key(asked), time.monotonic(), len(self._under_way) + 1
        call = OriginCall(asked, key, now_s, beside, self._cause(asked, key, now_s))
        if beside > self.width:
            call.refused, call.status, call.ended_s = True, BUSY.status, now_s
        self.calls.append(call)
        return call

    def _cause(self, asked: Asked, key: str, now_s: float) -> str:
        if asked.method not in ("GET", "HEAD"):
            return "write"
        if any(one.key == key for one in self._under_way):
            return "same call under way"
        last_s = self._last_ended_s.get(key)
        return "first" if last_s is None else f"{now_s - last_s:.1f} s after the last"

    async def _work(self, call: OriginCall) -> Reply:
        if self._hangs_up:
            return Reply(502)
        await asyncio.sleep(self.delay_s / 2)
        await self._keep_waiting(call, answered=False)
        reply = self._failing or self._answer(call.asked)
        await asyncio.sleep(self.delay_s / 2)
        await self._keep_waiting(call, answered=True)
        return reply

    async def _keep_waiting(self, call: OriginCall, *, answered: bool) -> None:
        for hold in [one for one in self._holds if one.answered == answered]:
            if len(hold.calls) < hold.room and hold.matches(call.asked):
                hold.calls.append(call)
                await hold.released.wait()


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


def _becomes_true(holds: Callable[[], bool], within_s: float) -> bool:
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(POLL_S)
    return True
