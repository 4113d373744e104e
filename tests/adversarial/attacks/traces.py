"""What attacks had of the kernel and of a Docker engine, to look afterwards for what is left.

Others use the machine at the same time, and the kernel gives the numbers of namespaces out again.
So only what was seen with a process of an attack is looked for, and a namespace in which a stranger
lives is the stranger's.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graders.containers.engine import open_engine
from graders.containers.reaper import GRADER, RUN
from graders.errors import MachineError

KINDS = ("net", "mnt", "pid", "user", "ipc", "uts", "cgroup")
LISTENING = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
UNIX_LISTENING = "00010000"
SOCKET = re.compile(r"socket:\[(\d+)\]")
NAMESPACE = re.compile(rf"({'|'.join(KINDS)}):\[\d+\]")

Birth = tuple[int, int]


@dataclass
class Traces:
    """What processes of attacks were seen with; `names` are words that only they can mention."""

    births: set[Birth] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    graders: set[str] = field(default_factory=set)
    namespaces: set[str] = field(default_factory=set)
    sockets: set[str] = field(default_factory=set)

    def note(self, births: Iterable[Birth]) -> None:
        """Remember namespaces and sockets of living processes; not namespaces that are ours."""
        own = namespaces_of(os.getpid())
        for pid, started in births:
            self.births.add((pid, started))
            self.namespaces |= namespaces_of(pid) - own
            self.sockets |= {one[1] for link in links(pid, "fd") if (one := SOCKET.match(link))}

    def add(self, more: "Traces") -> None:
        """Remember what another attack had, too."""
        self.births |= more.births
        self.names |= more.names
        self.graders |= more.graders
        self.namespaces |= more.namespaces
        self.sockets |= more.sockets

    def left(self) -> list[str]:
        """Return what is still there of it."""
        found = [f"process {pid}" for pid in all_processes() if self._is_of_attacks(pid)]
        found += [f"namespace {one}" for one in sorted(self._namespaces_left())]
        return found + [f"socket {one}" for one in sorted(self.sockets & listening_sockets())]

    def _namespaces_left(self) -> set[str]:
        inhabitants: dict[str, list[int]] = {}
        for pid in all_processes():
            for name in namespaces_of(pid):
                inhabitants.setdefault(name, []).append(pid)
        there = self.namespaces & (inhabitants.keys() | held_namespaces())
        return {
            name
            for name in there
            if name not in inhabitants or any(map(self._is_of_attacks, inhabitants[name]))
        }

    def _is_of_attacks(self, pid: int) -> bool:
        if pid == os.getpid():
            return False
        return (pid, start_of(pid)) in self.births or any(one in said(pid) for one in self.names)


def said(pid: int) -> str:
    """Return all in which a process mentions folders: command, environment, place and mounts."""
    text = ""
    for name in ("cmdline", "environ", "mountinfo"):
        with contextlib.suppress(OSError):
            text += Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    with contextlib.suppress(OSError):
        text += str(Path(f"/proc/{pid}/cwd").readlink())
    return text


def all_processes() -> list[int]:
    """Return every living process of the machine."""
    pids = [int(one.name) for one in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if start_of(pid)]


def start_of(pid: int) -> int:
    """Return when a process was started, in ticks of the kernel; 0 when it is no more."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return 0 if words[0] in "ZX" else int(words[19])
    return 0


def namespaces_of(pid: int) -> set[str]:
    """Return the namespaces a process lives in, as `net:[4026531840]`."""
    found = set()
    for kind in KINDS:
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))  # noqa: PTH115 - half the time
    return found


def held_namespaces() -> set[str]:
    """Return the namespaces that are kept by an open file or a mount, maybe without a process."""
    found = {
        link for pid in all_processes() for link in links(pid, "fd") if NAMESPACE.fullmatch(link)
    }
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        found |= {word for word in line.split() if NAMESPACE.fullmatch(word)}
    return found


def links(pid: int, folder: str) -> Iterator[str]:
    """Return where the links in a folder of a process lead."""
    with contextlib.suppress(OSError):
        for one in os.listdir(f"/proc/{pid}/{folder}"):  # noqa: PTH208 - half the time
            with contextlib.suppress(OSError):
                yield os.readlink(f"/proc/{pid}/{folder}/{one}")  # noqa: PTH115


def listening_sockets() -> set[str]:
    """Return the sockets that somebody could call, in every network of this machine."""
    networks = {}
    for pid in all_processes():
        with contextlib.suppress(OSError):
            networks[str(Path(f"/proc/{pid}/ns/net").readlink())] = pid
    return {inode for pid in networks.values() for inode in _listening_beside(pid)}


def _listening_beside(pid: int) -> Iterator[str]:
    for kind, state in LISTENING.items():
        for words in _table(pid, kind):
            if words[3] == state:
                yield words[9]
    for words in _table(pid, "unix"):
        if words[3] == UNIX_LISTENING:
            yield words[6]


def _table(pid: int, kind: str) -> list[list[str]]:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]
        return [line.split() for line in lines]
    return []


def engine() -> Any:
    """Return a client of the Docker engine, or None where none answers."""
    try:
        return open_engine().client
    except MachineError:
        return None


def on_engine(client: Any) -> dict[str, str]:
    """Return the containers, networks and volumes that bear the kit's label, and their grader."""
    if client is None:
        return {}
    label = {"label": RUN}
    things = {
        "container": client.containers.list(all=True, filters=label, ignore_removed=True),
        "network": client.networks.list(filters=label),
        "volume": client.volumes.list(filters=label),
    }
    return {
        f"{kind} {one.name}": (_labels(one) or {}).get(GRADER, "")
        for kind, some in things.items()
        for one in some
    }


def _labels(thing: Any) -> dict[str, str] | None:
    return (thing.attrs.get("Config") or thing.attrs).get("Labels")
