"""Requests to addresses that customers choose: only to public ones, and to those we looked at."""

import http.client
import ipaddress
import json
import urllib.request
from urllib.parse import quote, urlsplit

import settings

TIMEOUT_S = 3.0
LONGEST_ANSWER = 1 << 16
PORTS = {None, 80, 443, 8080}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Refused(ValueError):
    """The URL leads somewhere we don't go."""


def resolve(host: str) -> list[str]:
    """Ask the company's resolver for the addresses of a name."""
    address = f"{settings.RESOLVER_URL}?name={quote(host, safe='')}"
    with direct.open(address, timeout=TIMEOUT_S) as answer:
        return json.load(answer)["addresses"]


def is_public(address: str) -> bool:
    """Say if an address is on the internet, also when it hides inside of another one."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6:
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
        if ip.teredo:
            return False
    return ip.is_global and not ip.is_multicast


def target(url: str) -> tuple[str, str, str]:
    """Return the address to connect to, the Host header and the path; Refused if there is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Refused("this is no URL") from None
    if parts.scheme != "http" or not host or "@" in parts.netloc or port not in PORTS:
        raise Refused("a URL is http://host/path, without a user, on port 80, 443 or 8080")
    if not url.isascii() or any(one in url for one in "\\ \t\r\n"):
        raise Refused("a URL has no spaces or backslashes")
    try:
        addresses = resolve(host)
    except (OSError, ValueError):
        raise Refused("the name can't be looked up") from None
    if not addresses or not all(is_public(one) for one in addresses):
        raise Refused("the address is not public")
    ip = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"http://{parts.netloc}{path}", parts.netloc, ip


def deliver(url: str, event: dict[str, object]) -> int:
    """Send an event through the proxy, to the very address that was checked; the status."""
    address, host, _ = target(url)
    proxy = urlsplit(settings.EGRESS_PROXY)
    connection = http.client.HTTPConnection(proxy.hostname or "", proxy.port, timeout=TIMEOUT_S)
    headers = {"Host": host, "Content-Type": "application/json"}
    try:
        connection.request("POST", address, json.dumps(event), headers)
        answer = connection.getresponse()
        answer.read(LONGEST_ANSWER)
        return answer.status
    except (OSError, http.client.HTTPException):
        raise Refused("nobody answers there") from None
    finally:
        connection.close()
