"""A request and its answer, as a report shows them."""

from collections.abc import Mapping
from dataclasses import dataclass

MOST_HEADERS, HEADER_CHARACTERS, BODY_CHARACTERS = 30, 300, 2000
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Exchange:
    """One request and what came back; long headers and bodies are cut.

    `request_bytes` and `response_bytes` are the sizes of the whole bodies. Without a complete
    answer the status is 0, and `error` says why.
    """

    method: str
    url: str
    request_headers: Headers
    request_body: str
    request_bytes: int
    status: int
    response_headers: Headers
    response_body: str
    response_bytes: int
    elapsed_ms: float
    error: str = ""


def exchange(
    method: str,
    url: str,
    asked: tuple[Mapping[str, str], bytes],
    status: int,
    answered: tuple[Mapping[str, str], bytes],
    elapsed_s: float,
    error: str = "",
) -> Exchange:
    """Return headers and bodies of a request and its answer, cut to what a report can hold."""
    (request_headers, request_body), (response_headers, response_body) = asked, answered
    return Exchange(
        method=method,
        url=_cut(url, BODY_CHARACTERS),
        request_headers=_headers(request_headers),
        request_body=_text(request_body),
        request_bytes=len(request_body),
        status=status,
        response_headers=_headers(response_headers),
        response_body=_text(response_body),
        response_bytes=len(response_body),
        elapsed_ms=round(elapsed_s * 1000, 3),
        error=error,
    )


def _headers(headers: Mapping[str, str]) -> Headers:
    shown = list(headers.items())[:MOST_HEADERS]
    return tuple(
        (_cut(name, HEADER_CHARACTERS), _cut(one, HEADER_CHARACTERS)) for name, one in shown
    )


def _text(body: bytes) -> str:
    most_bytes = 4 * BODY_CHARACTERS + 4  # no character of UTF-8 is longer than four
    return _cut(body[:most_bytes].decode(errors="replace"), BODY_CHARACTERS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"
