"""Which URLs may be shortened, and how one is written into a Location header."""

from __future__ import annotations

import string
import unicodedata
from urllib.parse import SplitResult, quote, unquote, urlsplit

MAX_URL_LENGTH = 2048
DEFAULT_PORTS = {80, 443}


def check_url(url: str, base_url: str) -> str:
    """Return the URL unchanged, or raise ValueError saying what is wrong with it."""
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"must have at most {MAX_URL_LENGTH} characters")
    if " " in url:
        raise ValueError("must not contain spaces")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    if not _address(parts)[0]:
        raise ValueError("must name a host")
    # Browsers read a backslash as a slash, so it could hide the real host from us.
    if "\\" in parts.netloc:
        raise ValueError("must not have a backslash in its host")
    if _address(parts) == _address(urlsplit(base_url)):
        raise ValueError("must not lead back to this service")
    return url


def location(url: str) -> str:
    """The URL as a header value: what is not ASCII is percent-encoded, the rest is untouched."""
    return quote(url, safe=string.punctuation + string.whitespace)


def _address(parts: SplitResult) -> tuple[str, int | None]:
    """Host and port in the form browsers compare; the default ports count as none."""
    host = unicodedata.normalize("NFKC", unquote(parts.hostname or ""))
    port = None if parts.port in DEFAULT_PORTS else parts.port
    return host.lower().rstrip("."), port
