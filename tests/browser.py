"""A real browser without a screen, driven over Chromium's DevTools protocol."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 60.0
PICTURES = ("image", "img", "graphics-document")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
    *("--remote-debugging-port=0", "--hide-scrollbars", "--force-color-profile=srgb"),
)
NEXT_FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
WHOLE_PAGE = {"format": "png", "captureBeyondViewport": True}


class Tab:
    """A page in the browser; `events` is everything the browser has told about it."""

    def __init__(self, socket: ClientConnection, session: str) -> None:
        self._socket, self._session = socket, session
        self._number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        self._socket.send(json.dumps(message | {"sessionId": self._session}))
        while (answer := self._received()).get("id") != self._number:
            pass
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, page: Path, width: int, height: int = 800, scheme: str = "light") -> None:
        """Load a file in a window of a width, in a light or a dark colour scheme."""
        device = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **device)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        self.events.clear()
        self.call("Page.navigate", url=page.absolute().as_uri())
        while not self.said("Page.loadEventFired"):
            self._received()

    def fonts(self) -> str:
        """Return the names of the fonts that the page's texts are set in here."""
        for domain in ("DOM", "CSS"):
            self.call(f"{domain}.enable")
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        found = set()
        for selector in ("h1", "p", "pre"):
            node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
            used = self.call("CSS.getPlatformFontsForNode", nodeId=node)["fonts"]
            found |= {font["familyName"] for font in used}
        return ", ".join(sorted(found))

    def said(self, *methods: str) -> list[dict[str, Any]]:
        """Return the events of these kinds."""
        return [one["params"] for one in self.events if one["method"] in methods]

    def run(self, script: str) -> Any:
        """Return what a script gives in the page."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key, which may type a text, and let it go."""
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        typed = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        for kind in (typed, {"type": "keyUp"}):
            self.call("Input.dispatchKeyEvent", **kind, **pressed)

    def asked_for(self) -> list[str]:
        """Return all that the page has loaded, itself first."""
        return [one["request"]["url"] for one in self.said("Network.requestWillBeSent")]

    def complaints(self) -> list[dict[str, Any]]:
        """Return what was written to the console, and errors nobody caught."""
        kinds = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return self.said(*kinds)

    def told(self) -> list[tuple[str, str]]:
        """Return role and words of all that is told to who can't see the page."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(_value(one, "role"), _value(one, "name", "description")) for one in nodes]

    def pictures(self) -> list[str]:
        """Return what is told of each picture instead of it: its caption, and what it shows."""
        return [words for role, words in self.told() if role in PICTURES]

    def picture(self) -> bytes:
        """Return the whole page as PNG, once what scripts have changed is laid out and drawn."""
        self.call("Runtime.evaluate", expression=NEXT_FRAME, awaitPromise=True)
        taken = self.call("Page.captureScreenshot", **WHOLE_PAGE)
        return base64.b64decode(taken["data"])

    def _received(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(PATIENCE_S))
        if "method" in message:
            self.events.append(message)
        return message


def _value(node: dict[str, Any], *keys: str) -> str:
    return " ".join(str(node.get(key, {}).get("value", "")) for key in keys).strip()


@contextlib.contextmanager
def open_browser(folder: Path) -> Iterator[Tab]:
    """Run a browser with a profile of its own; skip, with the reason, where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser here: none of {', '.join(PROGRAMS)} is installed")
    profile = folder / "profile"
    command = [program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    with contextlib.ExitStack() as stack:
        # It leaves folders where temporary files go. A socket lies in one: its path must be short.
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="browser-"))
        log = stack.enter_context((folder / "browser.log").open("wb"))
        environment = {**os.environ, "TMPDIR": temporary}
        browser = subprocess.Popen(command, stderr=log, env=environment, **silent)  # type: ignore[call-overload]
        stack.callback(browser.wait, PATIENCE_S)
        stack.callback(browser.terminate)
        with connect(_address(browser, profile), max_size=None, proxy=None) as socket:
            yield Tab(socket, _attached(socket))


def _address(browser: "subprocess.Popen[bytes]", profile: Path) -> str:
    """Wait for the file in which the browser says where it listens."""
    file, deadline_s = profile / "DevToolsActivePort", time.monotonic() + PATIENCE_S
    while not (file.is_file() and len(said := file.read_text().split()) == 2):
        assert browser.poll() is None, "the browser ended at once; its log lies beside the profile"
        assert time.monotonic() < deadline_s, f"the browser was not ready after {PATIENCE_S:g} s"
        time.sleep(0.02)
    port, path = said
    return f"ws://127.0.0.1:{port}{path}"


def _attached(socket: ClientConnection) -> str:
    """Open a tab and return the session in which it is talked to."""

    def ask(number: int, method: str, **params: object) -> dict[str, Any]:
        socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(socket.recv(PATIENCE_S))).get("id") != number:
            pass
        result: dict[str, Any] = answer["result"]
        return result

    target = ask(-1, "Target.createTarget", url="about:blank")["targetId"]
    attached = ask(-2, "Target.attachToTarget", targetId=target, flatten=True)
    return str(attached["sessionId"])
