"""The calls a check makes, the same on an app and on one of its replicas."""

from collections.abc import Mapping, Sequence
from typing import Any

from graders.client import Answer, Call, Client

TIMEOUT_S = 5.0


class Requests:
    """HTTP calls to `base_url`; a request without a complete answer fails the check by itself."""

    base_url: str
    client: Client

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Answer:
        """Send one request and return its answer; redirects are never followed."""
        call = Call(method, path, json, headers or {}, content)
        return self.client.send(self.base_url, call, timeout_s)

    def get(self, path: str, **options: Any) -> Answer:
        """Send a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """Send a POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        """Send a PUT."""
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """Send a DELETE."""
        return self.request("DELETE", path, **options)

    def send_all(
        self, calls: Sequence[Call], concurrency: int = 50, timeout_s: float = TIMEOUT_S
    ) -> list[Answer]:
        """Send many requests side by side; answers in order, unanswered ones with status 0."""
        targets = [(self.base_url, call) for call in calls]
        return self.client.send_all(targets, concurrency, timeout_s)
