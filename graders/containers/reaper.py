"""Remove what a grade made on a Docker engine, when the grader is done or dead.

Run as `python -m graders.containers.reaper RUN`. Standard input is the lifeline: its end (the
kernel closes it with the grader) starts the cleaning. Lines on it are `expect NAME`, before a
container, network, volume or image is asked for, and `made NAME`, once it is there: what was asked
for by a grader that died before the answer may still come, and is waited for.
First of all it removes what dead graders left whose reapers died with them.
"""

import contextlib
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import psutil
from docker.client import from_env
from docker.errors import DockerException
from docker.models.images import Image
from requests import RequestException

RUN, GRADER = "lab.run", "lab.grader"
LATE_S, CLEANING_S, POLL_S = 10.0, 60.0, 0.1
LABEL_WORDS = 5
ENGINE_ERRORS = (DockerException, RequestException)  # it refuses; it does not answer


def grader_label(pid: int) -> str:
    """Return who a process is: its host, boot, process namespace, number and start.

    The start is in ticks since the boot, which no change of the clock moves.
    """
    return f"{socket.gethostname()} {_boot()} {_namespace()} {pid} {_started(pid)}"


def _boot() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else "-"


def _namespace() -> str:
    namespace = Path("/proc/self/ns/pid")
    return str(namespace.readlink()) if namespace.exists() else "-"


def _started(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat")
    try:
        after_name = stat.read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return str(psutil.Process(pid).create_time())  # no /proc: a time that was written down once
    return after_name[19]  # proc(5): starttime is the 22nd field, the name the second


def is_dead(grader: str) -> bool:
    """Say if a grader surely runs no more; of other machines nobody knows."""
    if len(said := grader.split()) != LABEL_WORDS:
        return False  # another release's
    host, boot, namespace, pid, started = said
    if host != socket.gethostname():
        return False
    if boot != _boot():
        return True  # nothing outlives the machine's end
    if namespace != _namespace():
        return False
    try:
        return _started(int(pid)) != started
    except (psutil.NoSuchProcess, ProcessLookupError):
        return True


def remove(client: Any, label: str) -> set[str]:
    """Remove containers, networks, volumes and images until none is left; their names."""
    names: set[str] = set()
    deadline = time.monotonic() + CLEANING_S
    while (things := _labelled(client, label)) and time.monotonic() < deadline:
        for thing, options in things:
            names.update(_names(thing))
            with contextlib.suppress(*ENGINE_ERRORS):  # gone by now, or not yet to be removed
                thing.remove(**options)
    return names


def _labelled(client: Any, label: str) -> list[tuple[Any, dict[str, bool]]]:
    only = {"label": label}
    containers = client.containers.list(all=True, filters=only, ignore_removed=True)
    return [
        *((container, {"force": True, "v": True}) for container in containers),
        *((network, {}) for network in client.networks.list(filters=only)),
        *((volume, {"force": True}) for volume in client.volumes.list(filters=only)),
        *((image, {"force": True}) for image in client.images.list(filters=only)),
    ]


def _names(thing: Any) -> list[str]:
    return thing.tags if isinstance(thing, Image) else [thing.name]


def remove_what_the_dead_left(client: Any) -> None:
    """Remove everything of graders of this machine that run no more."""
    labels = [_labels(thing) for thing, _ in _labelled(client, RUN)]
    for run in {one[RUN] for one in labels if is_dead(one.get(GRADER, ""))}:
        remove(client, f"{RUN}={run}")


def _labels(thing: Any) -> dict[str, str]:
    attributes = thing.attrs
    found: dict[str, str] = attributes.get("Labels") or attributes["Config"]["Labels"]
    return found


def main() -> None:
    """Wait for the grader's end, then clean."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(*ENGINE_ERRORS):
        remove_what_the_dead_left(from_env())
    said = [line.split() for line in sys.stdin]
    late = {name for word, name in said if word == "expect"}
    late -= {name for word, name in said if word == "made"}
    with contextlib.suppress(*ENGINE_ERRORS):  # an engine that is gone holds nothing
        client, label = from_env(), f"{RUN}={sys.argv[1]}"
        late -= remove(client, label)
        deadline = time.monotonic() + LATE_S
        while late and time.monotonic() < deadline:
            time.sleep(POLL_S)
            late -= remove(client, label)


if __name__ == "__main__":
    main()
