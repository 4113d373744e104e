"""Requests and their answers; each shows itself as a `curl` line."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from multidict import CIMultiDictProxy

from graders.errors import CheckFailed
from graders.ledger import LEDGER
from graders.model import Exchange, Feedback, exchange

SHOWN_BODY_CHARACTERS = 300
LONGEST_SHOWN_CONTENT, SHOWN_CONTENT = 4000, 200


@dataclass(frozen=True)
class Call:
    """A request to be sent; `json` is serialised, `content` sent as it is.

    With the header `Transfer-Encoding: chunked` the content goes in pieces, without its length.
    """

    method: str
    path: str
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | str | None = None

    @property
    def body(self) -> bytes:
        """The bytes of the content, whichever way it was given."""
        content = json.dumps(self.json) if self.json is not None else self.content or b""
        return content.encode() if isinstance(content, str) else content

    def curl(self, base_url: str) -> str:
        """Return a line for the shell that repeats this request."""
        words = ["curl", "-i"]
        if self.method != "GET":
            words += ["-X", self.method]
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {value}"]
        if self.json is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(self.json)]
        elif self.content is not None:
            text = self.content if isinstance(self.content, str) else self.content.decode("latin-1")
            if len(text) > LONGEST_SHOWN_CONTENT:
                line = shlex.join([*words, "--data-binary", "@-", base_url + self.path])
                return f"{_printing(text)} | {line}"
            words += ["--data-binary", text]
        return shlex.join([*words, base_url + self.path])


def _printing(text: str) -> str:
    """Return a command that prints a long text; one that is no repetition is cut, and says so."""
    if text == text[0] * len(text):
        return shlex.join(["python3", "-c", f"print({text[0]!r} * {len(text)}, end='')"])
    return shlex.join(["echo", f"{text[:SHOWN_CONTENT]}… ({len(text)} characters)"])


@dataclass(frozen=True)
class Answer:
    """What came back; an unanswered request has status 0 and says why in `error`.

    It was sent at `started_s` of `time.monotonic()`.
    """

    call: Call
    base_url: str
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    elapsed_s: float
    error: str | None = None
    started_s: float = 0.0

    @property
    def text(self) -> str:
        """The body as UTF-8, unreadable bytes replaced."""
        return self.body.decode(errors="replace")

    @property
    def curl(self) -> str:
        """A line for the shell that repeats the request."""
        return self.call.curl(self.base_url)

    @property
    def exchange(self) -> Exchange:
        """Request and answer, cut to what a report can hold."""
        call, typed = self.call, {"Content-Type": "application/json"}
        asked = (call.headers if call.json is None else {**typed, **call.headers}, call.body)
        answered, url = (self.headers, self.body), self.base_url + call.path
        elapsed_s, error = self.elapsed_s, self.error or ""
        return exchange(call.method, url, asked, self.status, answered, elapsed_s, error)

    def json(self) -> Any:
        """Return the parsed body; a body that is no JSON is the learner's failure."""
        try:
            return json.loads(self.body, parse_constant=_refuse)
        except RecursionError:
            self.fail("a JSON body", "JSON nested too deep to read")
        except ValueError:
            self.fail("a JSON body", str(self))

    def expect(self, status: int | set[int], why: str, next_step: str = "") -> "Answer":
        """Demand a status; `why` completes "because", as in "it was never given out"."""
        LEDGER.reached()
        wanted = {status} if isinstance(status, int) else status
        if self.status not in wanted:
            numbers = " or ".join(str(one) for one in sorted(wanted))
            self.fail(f"{numbers}, because {why}", str(self), next_step)
        return self

    def fail(self, expected: str, got: str, next_step: str = "") -> Any:
        """Raise the failure with this request in it."""
        raise CheckFailed(Feedback(expected, got, self.curl, next_step, exchange=self.exchange))

    def __str__(self) -> str:
        if self.error:
            return f"no answer: {self.error}"
        shown = self.text[:SHOWN_BODY_CHARACTERS]
        more = "…" if len(self.text) > SHOWN_BODY_CHARACTERS else ""
        location = f", Location: {self.headers['location']}" if "location" in self.headers else ""
        return f"{self.status}{location}" + (f" with body {shown}{more}" if shown else "")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")  # only Python takes NaN and Infinity for numbers
