"""A server the grader plays in the run's network: what a submission asks of the world outside."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web
from anyio.from_thread import BlockingPortal
from multidict import CIMultiDictProxy

from graders.sandbox import Network


@dataclass(frozen=True)
class Asked:
    """A request of the submission; `target` stands as it was sent, to a proxy a whole URL."""

    method: str
    target: str
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What is answered, `delay_s` later."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


class Listener:
    """Listens on 127.0.0.1:port of a network and keeps what it was asked, in order.

    `answer` runs on the event loop that serves everything: it must not wait.
    """

    leaves_with_caller = False

    def __init__(
        self, portal: BlockingPortal, network: Network, answer: Callable[[Asked], Reply]
    ) -> None:
        self.asked: list[Asked] = []
        self._answer, self._portal = answer, portal
        self.port = portal.call(self._open, network)

    @property
    def url(self) -> str:
        """Where the submission finds it."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End the port and every connection."""
        self._portal.call(self._close)

    async def _open(self, network: Network) -> int:
        self._server = web.Server(
            self._serve, access_log=None, handler_cancellation=self.leaves_with_caller
        )
        listening = network.socket()
        listening.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._server, sock=listening)
        return int(listening.getsockname()[1])

    async def _close(self) -> None:
        self._listening.close()
        await self._server.shutdown(0.1)

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        asked = Asked(request.method, request.raw_path, request.headers, body)
        self.asked.append(asked)
        reply = self._answer(asked)
        await asyncio.sleep(reply.delay_s)
        return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
