"""What lies outside the sandbox: secrets to be found, ears to be spoken to, victims to be hurt."""

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from graders.sandbox import HostNetwork
from graders.services.redis import EmbeddedRedis
from tests.adversarial.attacks import system

LAB = Path(__file__).parent / "lab"
HEARTBEAT_S = 0.05
MOST_AT_A_TIME = 20
IDENTITY_OFFSET = 1024 + 0x68
VICTIM = """
import os, sys, time
secret = sys.argv[2] if len(sys.argv) > 2 else os.environ["SECRET"]
open(sys.argv[1] + "/open", "w+").write(secret)
held = open(sys.argv[1] + "/open")
os.remove(sys.argv[1] + "/open")
print(held.fileno(), id(secret), flush=True)
time.sleep(600)
"""
HIDING = (
    'mount -t tmpfs -o size=1m hidden "$1/hidden" && echo "$SECRET" >"$1/hidden/secret.txt"; shift'
)


class Ears:
    """Listens on TCP, UDP, a path and an abstract name; nobody has any business to call."""

    def __init__(self, folder: Path, heartbeat: bytes) -> None:
        self.heard: list[str] = []
        self.heartbeat = heartbeat
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.path, self.name = str(folder / "ear"), f"ear-{secrets.token_hex(6)}"
        self.unix, self.abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.unix.bind(self.path)
        self.abstract.bind(f"\0{self.name}")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> "Ears":
        for one in (self.unix, self.abstract):
            one.listen()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        for one in (self.tcp, self.udp, self.unix, self.abstract):
            one.close()

    def _listen(self) -> None:
        kinds = {self.tcp: "TCP", self.udp: "UDP", self.unix: "Unix", self.abstract: "abstract"}
        while not self._ended.wait(HEARTBEAT_S):
            self.udp.sendto(self.heartbeat, self.udp.getsockname())  # for who listens at the wire
            self._hear_all(kinds)
        self._hear_all(kinds)

    def _hear_all(self, kinds: dict[socket.socket, str]) -> None:
        for _ in range(MOST_AT_A_TIME):  # who calls without end must not keep us from the end
            for one in select.select(list(kinds), [], [], 0)[0]:
                self._hear(one, kinds[one])

    def _hear(self, ear: socket.socket, kind: str) -> None:
        if ear is self.udp:
            if (said := ear.recv(4096)) != self.heartbeat:
                self.heard.append(f"{kind}: {said!r}")
            return
        connection, _ = ear.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(0.2)
            self.heard.append(f"{kind}: a connection")
            self.heard.append(f"{kind}: {connection.recv(4096)!r}")


@dataclass
class World:
    """All that an attack might want, in a folder of its own; `targets` tells the attack of it."""

    folder: Path
    home: Path
    secret: str
    word: str
    mark: str
    ears: Ears
    victim: psutil.Process
    targets: dict[str, Any]
    terminal: int
    more: dict[str, str] = field(default_factory=dict)

    @property
    def lab(self) -> Path:
        """The lab's copy, whose hidden word is this run's own."""
        return self.folder / "lab"

    def env(self) -> dict[str, str]:
        """What is secret in the grader's environment."""
        return {"COURSE_TOKEN": self.secret, "HOME": str(self.folder / "cottage")}

    def terminal_heard(self) -> bytes:
        """Return what somebody wrote to a terminal that is not theirs."""
        with contextlib.suppress(BlockingIOError, OSError):
            return os.read(self.terminal, 4096)
        return b""


@contextlib.contextmanager
def open_world(template_home: Path, services: bool, needs: str) -> Iterator[World]:
    """Lay out the canaries of one run, all with a secret of its own; they are gone afterwards."""
    mark = f"mark{secrets.token_hex(5)}"
    secret, word = f"SECRET{secrets.token_hex(12)}", f"WORD{secrets.token_hex(12)}"
    folder = Path(tempfile.mkdtemp(prefix=f"outside-{mark}-"))
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        _write_files(folder, secret, word, mark, services)
        other = Path(tempfile.gettempdir()) / f"lab-{mark}"
        stack.callback(shutil.rmtree, other, ignore_errors=True)
        (other / "submission").mkdir(parents=True)
        (other / "submission/app.py").write_text(f"# {secret}\n")
        home = _home(folder / "state/home", template_home, secret)
        ears = stack.enter_context(Ears(folder, secret.encode()))
        victim, descriptor, address = stack.enter_context(_victim(folder, secret))
        master, slave = os.openpty()
        os.set_blocking(master, False)
        stack.callback(os.close, master)
        stack.callback(os.close, slave)
        targets = {
            "mark": mark,
            "figure": int(word[4:14], 16),
            "folder": str(folder),
            "lab": str(folder / "lab"),
            "home": str(home),
            "other_grade": str(other),
            "tcp": ears.tcp.getsockname()[1],
            "udp": ears.udp.getsockname()[1],
            "unix": ears.path,
            "abstract": ears.name,
            "victim": victim.pid,
            "descriptor": descriptor,
            "address": address,
            "terminal": os.ttyname(slave),
            "site_packages": str(site_packages()),
            **stack.enter_context(_in_the_kernel(mark, secret)),
        }
        more = {}
        if needs == "redis":
            targets["redis"] = stack.enter_context(_other_redis(folder, secret))
        if needs == "disk":
            targets["disk"], targets["disk_offset"], more["disk"] = disk()
        yield World(folder, home, secret, word, mark, ears, victim, targets, master, more)


def site_packages() -> Path:
    """Return where the grader's own packages lie."""
    return Path(psutil.__file__).parents[1]


def _write_files(folder: Path, secret: str, word: str, mark: str, services: bool) -> None:
    (folder / "secret.txt").write_text(secret)
    (folder / "secret.toml").write_text(f'{secret} = "x"\n')
    (folder / "estimate.toml").write_text(f"letters = {int(secret[6:20], 16)}\n")
    (folder / "cottage").mkdir()
    (folder / "cottage/.netrc").write_text(f"password {secret}\n")
    (folder / "hidden").mkdir()
    shutil.copytree(LAB, folder / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    for place in ("checks", "solutions/good"):
        (folder / "lab" / place / "word.txt").write_text(word)
    if not services:
        manifest = folder / "lab/lab.toml"
        text = manifest.read_text().replace('services = ["postgres", "redis"]', "")
        manifest.write_text(text.replace('[seed]\npostgres = ["seed/notes.sql"]\n', ""))


def _home(home: Path, template: Path, secret: str) -> Path:
    home.mkdir(parents=True)
    if template.exists():
        shutil.copytree(template / "attempts", home / "attempts")
        shutil.copy(template / "history.sqlite", home)
        (home / "cache").symlink_to(template / "cache")
    other = home / "attempts/lab/of-another-student"
    other.mkdir(parents=True)
    (other / "report.json").write_text(json.dumps({"outcome": "failed", "student": secret}))
    return home


@contextlib.contextmanager
def _victim(folder: Path, secret: str) -> Iterator[tuple[psutil.Process, int, int]]:
    """Run a harmless program with a secret in its memory, environment, files and mounts."""
    command = [sys.executable, "-I", "-S", "-c", VICTIM, str(folder)]
    if os.getuid() == 0 and shutil.which("unshare"):
        command = ["unshare", "-m", "sh", "-c", f'{HIDING}; exec "$@"', "sh", str(folder), *command]
    victim = subprocess.Popen(
        command,
        env={"SECRET": secret, "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert victim.stdout
    try:
        descriptor, address = (int(one) for one in victim.stdout.readline().split())
        yield psutil.Process(victim.pid), descriptor, address
    finally:
        victim.send_signal(signal.SIGCONT)
        victim.kill()
        victim.wait()


@contextlib.contextmanager
def _in_the_kernel(mark: str, secret: str) -> Iterator[dict[str, Any]]:
    """Keep the secret in the kernel itself, where it lets us: a key and a map."""
    found: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            key = system.add_key(mark, secret)
            stack.callback(system.forget_key, key)
            found["key"] = mark
        with contextlib.suppress(OSError):
            map_fd, found["map"] = system.make_map(secret)
            stack.callback(os.close, map_fd)
        yield found


@contextlib.contextmanager
def _other_redis(folder: Path, secret: str) -> Iterator[int]:
    """Run somebody else's Redis, as the kit would; return its port."""
    (folder / "redis").mkdir()
    with EmbeddedRedis(folder / "redis", HostNetwork()).provision() as redis:
        redis.client.set("secret", secret)
        yield redis.port
        assert redis.client.get("secret") == secret


def disk() -> tuple[str, int, str]:
    """Return the device of the root file system, and 16 bytes of it: the identity ext4 has."""
    device = next(one.device for one in psutil.disk_partitions() if one.mountpoint == "/")
    with Path(device).open("rb") as disk:
        disk.seek(IDENTITY_OFFSET)
        return device, IDENTITY_OFFSET, disk.read(16).hex()


def lacks(what: str) -> str:
    """Say why this machine has no such canary; empty if it has."""
    with contextlib.ExitStack() as stack:
        try:
            if what == "disk":
                disk()
            if what in ("key", "map"):
                found = stack.enter_context(_in_the_kernel("probe", "probe"))
                return "" if what in found else f"the kernel keeps no {what} for us here"
        except OSError as error:
            return f"not even the harness may read it here: {error}"
    return ""


def is_whole(victim: psutil.Process) -> bool:
    """Say if a victim still runs: not killed, stopped or traced."""
    with contextlib.suppress(psutil.NoSuchProcess):
        status = Path(f"/proc/{victim.pid}/status").read_text()
        traced = int(status.partition("TracerPid:")[2].split()[0])
        return traced == 0 and victim.status() in (psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)
    return False


def wait_for(condition: Any, patience_s: float) -> bool:
    """Wait until a condition holds, at most so long; say if it does."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
