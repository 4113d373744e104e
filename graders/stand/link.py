"""The way from an app to one of its services, which a check can disturb."""

from collections.abc import Iterator
from contextlib import contextmanager

from anyio.from_thread import BlockingPortal

from graders.services.proxy import Proxy


class Link:
    """A proxied connection to a service; every fault is healed on leaving its context.

    Faults may be nested; leaving one brings back what was there before it.
    """

    def __init__(self, portal: BlockingPortal, proxy: Proxy) -> None:
        self._portal = portal
        self._proxy = proxy
        portal.call(proxy.open)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 the app is given instead of the service's own."""
        return self._proxy.port

    def close(self) -> None:
        """End every connection and the port."""
        self._portal.call(self._proxy.cut)

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Refuse new connections and cut the open ones."""
        was_open = self._proxy.is_open
        self._portal.call(self._proxy.cut)
        try:
            yield
        finally:
            if was_open:
                self._portal.call(self._proxy.open)

    @contextmanager
    def delay(self, seconds: float) -> Iterator[None]:
        """Hold back each answer of the service."""
        before_s, self._proxy.delay_s = self._proxy.delay_s, seconds
        try:
            yield
        finally:
            self._proxy.delay_s = before_s

    @contextmanager
    def black_hole(self) -> Iterator[None]:
        """Accept everything and let nothing through."""
        was_flowing = self._proxy.flowing.is_set()
        self._portal.call(self._set_flowing, False)
        try:
            yield
        finally:
            self._portal.call(self._set_flowing, was_flowing)

    async def _set_flowing(self, flowing: bool) -> None:
        if flowing:
            self._proxy.flowing.set()
        else:
            self._proxy.flowing.clear()
