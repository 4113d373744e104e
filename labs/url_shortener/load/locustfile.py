"""Traffic of the URL shortener: Zipf-popular redirects, a few creates, and probes.

The grader drives these users itself; they also run as they are against a running service:

    locust -f load/locustfile.py --host http://127.0.0.1:8000

LINKS_CSV names a file with the columns code,url of links that exist there. Without it the first
user creates some. LAB_SEED (default 0) decides which codes are asked for.
"""

import csv
import itertools
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from gevent.lock import Semaphore
from locust import FastHttpUser, constant_throughput, task

REDIRECTS = {301, 302, 307, 308}
ZIPF_EXPONENT = 1.1
LINKS_OF_OUR_OWN = 300
HOT_LINKS = 4
RESERVED_LINKS = 50  # the last ones of LINKS_CSV are for probes alone

Link = tuple[str, str]  # code and URL

rng = random.Random(int(os.environ.get("LAB_SEED", "0")))


class Catalogue:
    """The links that are asked for, the most popular first."""

    def __init__(self, links: Sequence[Link]) -> None:
        self.links = links
        weights = (1 / rank**ZIPF_EXPONENT for rank in range(1, len(links) + 1))
        self._cumulated = list(itertools.accumulate(weights))

    def popular(self) -> Link:
        """Draw a link by its popularity, by bisection."""
        return rng.choices(self.links, cum_weights=self._cumulated)[0]

    def hot(self) -> Link:
        """Draw one of the few most popular links."""
        return self.links[rng.randrange(min(HOT_LINKS, len(self.links)))]


def read_links(path: str) -> list[Link]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return [(row["code"], row["url"]) for row in csv.DictReader(file)]


def json_object(response: Any) -> dict[str, Any]:
    """Return the object in an answer's body; empty when it is something else."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


class Shortener(FastHttpUser):
    """Follows and creates links, and looks at what came back."""

    abstract = True
    wait_time = constant_throughput(1)
    catalogue: Catalogue | None = None
    reserved: Sequence[Link] = ()
    _only_one_creates = Semaphore()

    def on_start(self) -> None:
        with self._only_one_creates:
            if Shortener.catalogue is None:
                links = self.links_to_follow()
                Shortener.catalogue = Catalogue(links[:-RESERVED_LINKS])
                Shortener.reserved = links[-RESERVED_LINKS:]

    def links_to_follow(self) -> list[Link]:
        if "LINKS_CSV" in os.environ:
            return read_links(os.environ["LINKS_CSV"])
        links = [self.create("seed") for _ in range(LINKS_OF_OUR_OWN)]
        return [link for link in links if link]

    def follow(self, link: Link) -> None:
        """Follow a link, which must lead to its URL."""
        code, url = link
        context = {"acknowledged": {"followed": code}}
        with self.client.get(
            f"/{code}",
            name="redirect",
            allow_redirects=False,
            catch_response=True,
            context=context,
        ) as response:
            location = (response.headers or {}).get("location")
            if response.status_code in REDIRECTS and location == url:
                response.success()
            else:
                got = f"{response.status_code} with Location {location}"
                response.failure(f"GET /{code}: expected a redirect to {url}, got {got}")

    def create(self, name: str) -> Link | None:
        """Create a link; its code and URL, or None if it was not created."""
        url = f"https://example.com/new/{rng.getrandbits(64):x}"
        created = {"url": url}
        with self.client.post(
            "/api/links",
            json={"url": url},
            name=name,
            catch_response=True,
            context={"acknowledged": {"created": created}},
        ) as response:
            body = json_object(response) if response.status_code == 201 else {}
            if body.get("url") == url and body.get("code"):
                created["code"] = str(body["code"])
                response.success()
                return created["code"], url
            got = f"{response.status_code} {response.text or ''}"[:200]
            response.failure(f"POST /api/links: expected 201 with code and url {url}, got {got}")
            return None


class RedirectUser(Shortener):
    """Follows links, each as often as it is popular, and now and then creates one."""

    @task(95)
    def redirect(self) -> None:
        if self.catalogue:
            self.follow(self.catalogue.popular())

    @task(5)
    def make(self) -> None:
        self.create("create")


class HotRedirectUser(Shortener):
    """Follows only the most popular links."""

    @task
    def redirect(self) -> None:
        if self.catalogue:
            self.follow(self.catalogue.hot())


class ProbeUser(Shortener):
    """Follows links nobody else follows, and links it has just created."""

    created: ClassVar[dict[str, list[Link]]] = {}  # by the address that answered

    @task(2)
    def follow_reserved(self) -> None:
        if self.reserved:
            self.follow(rng.choice(self.reserved))

    @task(1)
    def create_one(self) -> None:
        if link := self.create("create"):
            self.created.setdefault(str(self.host), []).append(link)

    @task(1)
    def follow_created(self) -> None:
        if links := self.created.get(str(self.host)):
            self.follow(rng.choice(links))
        else:
            self.create_one()
