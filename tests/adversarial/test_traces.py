"""The finder of what attacks leave can find it: each kind is left here on purpose."""

import os
import secrets
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.adversarial.attacks import machine
from tests.adversarial.attacks.machine import Machine
from tests.adversarial.attacks.traces import Traces, namespaces_of, start_of
from tests.adversarial.conftest import wait_until

UNSHARE = ("unshare", "--user", "--net", "--mount")
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: str, **how: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(command, **how))
        return started[-1]

    yield run
    for one in started:
        one.kill()
        one.wait()


@pytest.fixture
def in_namespaces(start: Start) -> subprocess.Popen[bytes]:
    """A process in namespaces of its own."""
    if subprocess.run([*UNSHARE, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine makes no namespaces for us")
    process = start(*UNSHARE, "sleep", "600")
    wait_until(lambda: b"sleep" in Path(f"/proc/{process.pid}/comm").read_bytes(), "the sleeper")
    return process


def birth(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    return process.pid, start_of(process.pid)


def test_of_nothing_nothing_is_left() -> None:
    traces = Traces(names={secrets.token_hex(8)})
    traces.note([(os.getpid(), start_of(os.getpid()))])
    traces.sockets.clear()
    assert traces.left() == []


def test_a_process_that_was_seen_is_found_until_it_ends(start: Start) -> None:
    process = start("sleep", "600")
    traces = Traces()
    traces.note([birth(process)])
    assert traces.left() == [f"process {process.pid}"]
    process.kill()
    process.wait()
    assert traces.left() == []


@pytest.mark.parametrize("where", ["command", "environment", "folder"])
def test_a_process_that_was_never_seen_is_found_by_what_it_mentions(
    start: Start, tmp_path: Path, where: str
) -> None:
    name = f"adv-{secrets.token_hex(6)}"
    (tmp_path / name).mkdir()
    program = "import sys; print(flush=True); sys.stdin.read()"
    command = ["python3", "-I", "-S", "-c", program, *([name] if where == "command" else [])]
    env = {**os.environ, **({"TMPDIR": f"/tmp/{name}"} if where == "environment" else {})}
    cwd = tmp_path / name if where == "folder" else tmp_path
    process = start(*command, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    assert Traces(names={name}).left() == [f"process {process.pid}"]


def test_a_namespace_is_found_also_when_only_an_open_file_keeps_it(
    in_namespaces: subprocess.Popen[bytes],
) -> None:
    traces = Traces()
    traces.note([birth(in_namespaces)])
    network = str(Path(f"/proc/{in_namespaces.pid}/ns/net").readlink())
    assert f"namespace {network}" in traces.left()
    with Path(f"/proc/{in_namespaces.pid}/ns/net").open():
        in_namespaces.kill()
        in_namespaces.wait()
        assert traces.left() == [f"namespace {network}"]
    assert traces.left() == []


def test_a_number_that_the_kernel_gave_to_a_stranger_is_not_left(
    in_namespaces: subprocess.Popen[bytes],
) -> None:
    own = namespaces_of(os.getpid())
    assert Traces(namespaces=namespaces_of(in_namespaces.pid) - own).left() == []


@pytest.mark.parametrize("kind", ["tcp", "udp", "unix"])
def test_a_port_is_found_until_nobody_listens(kind: str, tmp_path: Path) -> None:
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as ear:
        ear.bind(str(tmp_path / "ear") if kind == "unix" else ("127.0.0.1", 0))
        if kind != "udp":
            ear.listen()
        inode = str(os.fstat(ear.fileno()).st_ino)
        traces = Traces(sockets={inode})
        assert traces.left() == [f"socket {inode}"]
    assert traces.left() == []


def test_sockets_of_a_process_are_noted() -> None:
    traces = Traces()
    with socket.create_server(("127.0.0.1", 0)) as ear:
        traces.note([(os.getpid(), start_of(os.getpid()))])
        assert str(os.fstat(ear.fileno()).st_ino) in traces.sockets


def thing(name: str, labels: dict[str, str], within: str = "") -> SimpleNamespace:
    attrs = {"Labels": labels}
    return SimpleNamespace(name=name, attrs={within: attrs} if within else attrs)


def test_what_graders_left_on_an_engine_is_found_and_what_others_run_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    things = {
        "containers": [
            thing("ours", {"lab.run": "a", "lab.grader": "host 7 70"}, "Config"),
            thing("theirs", {"lab.run": "b", "lab.grader": "host 8 80"}, "Config"),
        ],
        "networks": [thing("nobodys", {"lab.run": "c"})],
        "volumes": [thing("old", {"lab.run": "d"})],
    }

    def lister(kind: str) -> SimpleNamespace:
        return SimpleNamespace(list=lambda **_options: things[kind])

    client = SimpleNamespace(**{kind: lister(kind) for kind in things})
    monkeypatch.setattr(machine, "engine", lambda: client)
    known = things.pop("containers"), things.pop("networks")
    things.update(containers=[], networks=[])
    since = Machine()
    things.update(containers=known[0], networks=known[1])
    since.traces.graders.add("host 7 70")
    assert sorted(since._left_on_engine()) == ["container ours", "network nobodys"]


def test_where_no_engine_answers_nothing_is_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "engine", lambda: None)
    assert Machine()._left_on_engine() == []
