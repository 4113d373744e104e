"""Mail, handed to the company's relay beside the request that caused it."""

import json
import logging
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import settings

TIMEOUT_S = 5.0
background = ThreadPoolExecutor(4, "mail")
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def send(to: str, subject: str, link: str) -> None:
    body = json.dumps({"to": to, "subject": subject, "link": link}).encode()
    request = urllib.request.Request(settings.MAIL_URL, body, {"Content-Type": "application/json"})
    try:
        direct.open(request, timeout=TIMEOUT_S).close()
    except OSError:
        logging.getLogger("mail").warning("a mail could not be handed to the relay")
