"""Runs an attack, shows its loot, and otherwise answers like a good service.

A copy lies in each attack's folder, beside `attack.py`, whose `attack()` begins with the first
greeting (or in the build). Attacks are bounded by themselves, so that a level that does not contain
them does not kill the machine: at most 2,000 processes, 6 GiB of memory, 3 GiB of disk, 5,000
connections or files, 20 s.
"""

import http.server
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

PROCESSES, CONNECTIONS, FILES = 2000, 5000, 5000
BIG_BYTES = 3 << 30
PATIENCE_S = 15.0
NAME = os.environ["ATTACK"]
TARGETS = json.loads(os.environ["TARGETS"])
LOOT: list[str] = []
MARKS: list[str] = []
TRACE = Path(__file__).with_name("trace.json")


def say(line: str) -> None:
    """Put a line into the log."""
    os.write(1, f"{line}\n".encode(errors="replace"))


def prove(loot: object) -> None:
    """Keep what was won; it is shown in the log and in every answer."""
    LOOT.append(str(loot)[:500])
    say(f"loot: {LOOT[-1]}")


def mark(line: str) -> None:
    """Say how far the attack has come: in the log, and in answers, which no output washes away."""
    MARKS.append(line)
    say(line)


def attempt(attack: Callable[[], object]) -> None:
    """Carry out an attack; OSError means that it was denied, anything else that it is broken."""
    mark(f"trying {NAME}")
    try:
        attack()
        mark(f"tried {NAME}")
    except (OSError, MemoryError) as error:
        mark(f"tried {NAME}: {type(error).__name__} {error}")
    except Exception:
        traceback.print_exc()
        mark(f"broken {NAME}")


class Teller(http.server.BaseHTTPRequestHandler):
    """Greets, and tells its loot to whoever asks for the word."""

    lock = threading.Lock()

    def do_GET(self) -> None:
        if self.path == "/hello":
            with self.lock:
                if ATTACKS:
                    attempt(ATTACKS.pop())
        loot = "\n".join(LOOT[-1:] if self.path == "/word" else LOOT)
        self.answer((loot or ", ".join(["no word", *MARKS[-1:]])).encode(errors="replace"))

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def parents() -> list[int]:
    """The process ids above this one up to the grader, nearest first; no farther."""
    found, pid = [], os.getppid()
    while pid > 1:
        found.append(pid)
        if b"\0graders\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return found
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    raise ProcessLookupError("no grader above")


def daemonise(work: Callable[[], object]) -> None:
    """Do the work in a process that has left family, session and folder."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            try:
                work()
            finally:
                os._exit(0)
        os._exit(0)
    os.wait()


def main() -> None:
    import attack as program

    if sys.argv[1:] == ["build"]:
        attempt(program.attack)
        TRACE.write_text(json.dumps(LOOT))
        return
    if TRACE.exists():
        mark(f"tried {NAME} in the build")
        for loot in json.loads(TRACE.read_text()):
            prove(loot)
    else:
        ATTACKS.append(program.attack)
    teller = getattr(program, "Teller", Teller)
    address = ("127.0.0.1", int(os.environ["PORT"]))
    http.server.ThreadingHTTPServer(address, teller).serve_forever()


ATTACKS: list[Callable[[], object]] = []

if __name__ == "__main__":
    sys.modules["kit"] = sys.modules["__main__"]  # attacks import the kit that runs them
    main()
