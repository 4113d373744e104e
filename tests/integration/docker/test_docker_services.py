"""Services in containers of a grade's own: the same verdicts, and nothing left on the engine."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from anyio.from_thread import BlockingPortal

from graders.containers.engine import Engine, open_engine
from graders.containers.reaper import GRADER, RUN, grader_label, is_dead
from graders.containers.run import docker_run
from graders.errors import MachineError, SubmissionError
from graders.sandbox import HostNetwork
from graders.services import serve
from graders.services.cluster import SETTINGS
from graders.services.docker_containers import ServiceContainers
from graders.services.proxy import Proxy
from graders.stand.link import Link

pytestmark = [pytest.mark.usefixtures("_nothing_left"), pytest.mark.timeout(300)]  # whole grades
SOLUTION = "solutions/cached"
LINGERS = """
import time
while True:
    time.sleep(1)
"""


@pytest.fixture
def in_docker(engine: Engine, tmp_path: Path) -> Callable[..., Any]:
    """Open services in containers."""
    return lambda *names: serve(names, "docker", tmp_path, tmp_path, [], HostNetwork())


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["outcome"] for one in report["requirements"]}


@pytest.mark.parametrize("source", [SOLUTION, "starter"])
def test_a_verdict_is_the_same_in_containers(
    kit: Any, docker_env: dict[str, str], left: Callable[[], list[str]], source: str
) -> None:
    options = ["--no-load", "--services"]
    here = kit.grade("service", source, *options, "embedded")
    there = kit.grade("service", source, *options, "docker", **docker_env)
    assert there.report["machine"]["postgres"].startswith("PostgreSQL")
    assert "docker" in there.report["machine"]["postgres"]
    assert "docker" in there.report["machine"]["redis"]
    assert there.code == here.code, there.output
    assert outcomes(there.report) == outcomes(here.report)
    assert left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("things", [1, 2, 3])
def test_a_grader_that_is_ended_leaves_nothing_however_far_it_got(
    kit: Any,
    docker_env: dict[str, str],
    left: Callable[[], list[str]],
    wait_until: Callable[..., Any],
    number: signal.Signals,
    things: int,
) -> None:
    source = "labs/service/solutions/cached"
    (kit.folder / source / "app.py").write_text(LINGERS)
    options = ["--no-load", "--services", "docker"]
    grader = kit.start("grade", "service", "--from", source, *options, **docker_env)
    wait_until(lambda: len(left()) >= things, f"{things} things on the engine")
    grader.send_signal(number)
    grader.communicate()
    if number == signal.SIGINT:
        assert left() == []
    wait_until(lambda: left() == [], "nothing to be left")


def ended_process() -> str:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return str(done.pid)


def test_what_dead_graders_left_is_removed_by_the_next_one_and_what_others_have_is_not(
    engine: Engine, in_docker: Callable[..., Any], wait_until: Callable[..., Any]
) -> None:
    living = grader_label(os.getpid())
    host, boot, namespace, pid, started = living.split()
    dead = {
        "ended": [host, boot, namespace, ended_process(), started],
        "number-used-again": [host, boot, namespace, pid, "1"],
        "of-an-earlier-boot": [host, "another-boot", namespace, pid, started],
    }
    others = {
        "living": [living],
        "elsewhere": ["another-machine", boot, namespace, ended_process(), started],
        "in-a-container": [host, boot, "pid:[1]", ended_process(), started],
        "of-another-release": ["a", "label"],
    }
    try:
        networks = {
            name: engine.client.networks.create(name, labels={RUN: name, GRADER: " ".join(who)})
            for name, who in {**dead, **others}.items()
        }
        with in_docker("redis"):
            filters = {"label": RUN}

            def names() -> set[str]:
                return {one.name for one in engine.client.networks.list(filters=filters)}

            wait_until(lambda: not names() & dead.keys(), "the networks of the dead to go")
            assert names() >= others.keys()
    finally:
        for network in networks.values():
            with contextlib.suppress(Exception):
                network.remove()


def test_a_clock_that_is_set_makes_no_living_grader_look_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    label = grader_label(os.getpid())
    true = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: true(process) + 3600)
    assert not is_dead(label)


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "nonsense"])
def test_no_engine_is_the_machines_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    opening = serve(["postgres"], "docker", tmp_path, tmp_path, [], HostNetwork())
    with pytest.raises(MachineError, match="No Docker engine answers") as refused:
        opening.__enter__()
    assert "leave out --services docker" in refused.value.next_step


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_a_missing_image_is_named_with_the_command_that_gets_it(
    in_docker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv(f"LAB_{service.upper()}_IMAGE", "lab/nowhere:1")
    with pytest.raises(MachineError, match="no image lab/nowhere:1") as refused:
        in_docker(service).__enter__()
    assert "docker pull lab/nowhere:1" in refused.value.next_step
    assert "docker/stand_ins.sh" in refused.value.next_step


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_a_name_that_no_image_can_have_is_refused_with_what_to_correct(
    in_docker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv(f"LAB_{service.upper()}_IMAGE", "Not Valid!!")
    with pytest.raises(MachineError, match="'Not Valid!!' is no name of an image") as refused:
        in_docker(service).__enter__()
    assert f"LAB_{service.upper()}_IMAGE" in refused.value.next_step


def test_a_container_that_ends_at_once_is_the_machines_fault_and_shows_its_last_lines(
    in_docker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_POSTGRES_IMAGE", os.environ.get("LAB_REDIS_IMAGE", "redis:7"))
    with pytest.raises(MachineError, match=r"ended|could not start") as refused:
        in_docker("postgres").__enter__()
    assert refused.value.log


def test_the_server_has_the_settings_of_the_embedded_one(in_docker: Callable[..., Any]) -> None:
    with in_docker("postgres") as servers, psycopg.connect(servers["postgres"].admin) as admin:
        for name, value in {**SETTINGS, "listen_addresses": "*"}.items():
            [found] = admin.execute("SELECT current_setting(%s)", [name]).fetchone() or ()
            assert found == value, name
        [collation] = (
            admin.execute(
                "SELECT datcollate FROM pg_database WHERE datname = 'template0'"
            ).fetchone()
            or ()
        )
        assert collation == "C.UTF-8"


def test_a_submission_is_no_superuser_and_sees_no_database_but_its_own(
    in_docker: Callable[..., Any], as_submission: Callable[..., psycopg.Connection[Any]]
) -> None:
    with in_docker("postgres") as servers, servers["postgres"].provision() as database:
        with as_submission(database) as connection:
            row = connection.execute(
                "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert row == (False,)
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            as_submission(database, dbname="postgres")


def test_submissions_at_one_time_have_a_redis_each(in_docker: Callable[..., Any]) -> None:
    with in_docker("redis") as servers, ExitStack() as stack:
        first, second = (stack.enter_context(servers["redis"].provision()) for _ in range(2))
        assert (first.host, first.port) != (second.host, second.port)
        first.client.set("key", "of the first")
        assert second.client.dbsize() == 0


def test_a_redis_that_is_used_again_is_as_new(in_docker: Callable[..., Any]) -> None:
    with in_docker("redis") as servers:
        with servers["redis"].provision() as database:
            place, url = (database.host, database.port), database.url(database.host, database.port)
            client = redis.Redis.from_url(url)
            client.set("key", "value")
            script = client.script_load("return 1")
        with pytest.raises(redis.RedisError):
            client.ping()
        with servers["redis"].provision() as database:
            assert (database.host, database.port) == place
            assert database.client.dbsize() == 0
            assert database.client.script_exists(script) == [False]
            assert set(database.client.acl_users()) == {"default", "lab"}
            with pytest.raises(redis.exceptions.NoPermissionError):
                redis.Redis.from_url(database.url(*place)).execute_command("CONFIG", "GET", "dir")


def test_faults_reach_services_in_containers(
    in_docker: Callable[..., Any], portal: BlockingPortal
) -> None:
    with in_docker("redis") as servers, servers["redis"].provision() as database:
        upstream = (database.host, database.port)
        link = Link(portal, Proxy(upstream, database.network, HostNetwork()))
        client = redis.Redis.from_url(database.url("127.0.0.1", link.port))
        assert client.ping()
        with link.cut(), pytest.raises(redis.ConnectionError):
            client.ping()
        assert client.ping()
        link.close()


class Way:
    """A way to the engine by TCP, as to one in a virtual machine; it can be lost for a while."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.port = 0
        self._open()

    def _open(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        self._sockets = [self._listening]
        threading.Thread(target=self._forward_all, args=(self._sockets,), daemon=True).start()

    def _forward_all(self, sockets: list[socket.socket]) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                here, _ = sockets[0].accept()
                there = socket.socket(socket.AF_UNIX)
                there.connect(self._path)
                sockets += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=forward, args=ends, daemon=True).start()

    def close(self) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @contextlib.contextmanager
    def lost(self) -> Iterator[None]:
        self.close()
        yield
        self._open()


@pytest.fixture
def over_tcp(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """Reach the engine by TCP, as one in a virtual machine."""
    way = Way(engine.client.api.get_adapter(engine.client.api.base_url).socket_path)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{way.port}")
    yield way
    way.close()


def forward(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(1 << 16):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def test_an_engine_that_is_not_of_this_machine_gives_ports_of_the_loopback(
    over_tcp: Way, in_docker: Callable[..., Any]
) -> None:
    assert not open_engine().direct
    with (
        in_docker("postgres", "redis") as servers,
        servers["postgres"].provision() as database,
        servers["redis"].provision() as cache,
    ):
        assert {database.host, cache.host} == {"127.0.0.1"}
        assert database.port != 5432
        assert database.fetch("SELECT 1") == [(1,)]
        assert redis.Redis.from_url(cache.url(cache.host, cache.port)).ping()


def test_an_engine_that_is_lost_in_a_grade_is_the_machines_fault_and_no_full_disk(
    over_tcp: Way, in_docker: Callable[..., Any]
) -> None:
    with in_docker("postgres", "redis") as servers, servers["redis"].provision():
        with over_tcp.lost():
            with pytest.raises(MachineError, match="no longer answers") as refused:
                servers["redis"].provision().__enter__()
            assert "docker version" in refused.value.next_step
            with pytest.raises(MachineError, match="no longer answers"):
                servers["postgres"].require_within_limits()
        servers["postgres"].require_within_limits()


ASKS = """
from graders.containers.run import docker_run
from graders.services.docker_containers import ServiceContainers
with docker_run() as run:
    containers = ServiceContainers(run)
    network = containers.network._unwrap_network
    network.reload()
    print(containers.engine.direct, network.attrs["Internal"])
"""


def test_a_grader_that_is_not_in_the_network_of_the_engine_finds_that_out(engine: Engine) -> None:
    with docker_run() as run:
        assert ServiceContainers(run).engine.direct
    prefix = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("no other network can be made here")
    done = subprocess.run(  # as in a container with the engine's socket
        [*prefix, sys.executable, "-c", ASKS], capture_output=True, text=True
    )
    assert done.stdout.split() == ["False", "False"], done.stderr


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_a_service_has_no_rights_over_others_and_writes_to_bounded_folders_only(
    engine: Engine, in_docker: Callable[..., Any], service: str
) -> None:
    with in_docker(service) as servers, servers[service].provision():
        [container] = engine.client.containers.list(filters={"label": RUN})
        status = container.exec_run(["cat", "/proc/1/status"]).output.decode()
        said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert "0" not in said["Uid"].split()
        assert {int(said[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")} == {0}
        assert said["NoNewPrivs"].strip() == "1"
        assert container.attrs["Mounts"] == []
        mounts = container.exec_run(["cat", "/proc/self/mounts"]).output.decode().splitlines()
        kinds = {line.split()[1]: line.split()[2:4] for line in mounts}
        assert "ro" in kinds["/"][1].split(",")
        for folder in container.attrs["HostConfig"]["Tmpfs"]:
            kind, options = kinds[container.exec_run(["realpath", folder]).output.decode().strip()]
            assert kind == "tmpfs"
            assert "size=" in options


FILLS = """
CREATE TABLE filling AS
  SELECT repeat(md5(i::text), 40) AS text FROM generate_series(1, 1000000) AS i
"""


def fill(server: Any, as_submission: Callable[..., psycopg.Connection[Any]]) -> None:
    """Have a submission fill a server, whose own work then fails at once or a little later."""
    with (
        server.provision() as database,
        as_submission(database) as connection,
        pytest.raises(psycopg.Error),
    ):
        connection.execute(FILLS)
    server.require_within_limits()


def test_a_submission_that_fills_the_database_is_to_blame_and_the_disk_is_not_full(
    in_docker: Callable[..., Any],
    as_submission: Callable[..., psycopg.Connection[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("graders.services.docker_postgres.FOLDER_BYTES", 256 << 20)
    with in_docker("postgres") as servers:
        servers["postgres"].require_within_limits()
        with pytest.raises(SubmissionError, match="filled PostgreSQL: 256 MiB") as refused:
            fill(servers["postgres"], as_submission)
        assert "tables" in refused.value.next_step


FILLS_AT_START = f'''
import os, psycopg
psycopg.connect(os.environ["DATABASE_URL"]).execute("""{FILLS}""")
'''
SMALL = """
from graders.cli import main
from graders.services import docker_postgres
docker_postgres.FOLDER_BYTES = 256 << 20
main()
"""


def test_a_grade_says_that_the_submission_filled_the_database(
    kit: Any, docker_env: dict[str, str]
) -> None:
    source = "labs/service/solutions/cached"
    (kit.folder / source / "app.py").write_text(FILLS_AT_START)
    command = ["grade", "service", "--from", source, "--no-load", "--services", "docker"]
    done = subprocess.run(
        [sys.executable, "-c", SMALL, *command],
        cwd=kit.folder,
        env=kit.environment(**docker_env),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "The submission filled PostgreSQL: 256 MiB are allowed." in done.stdout
