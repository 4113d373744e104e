"""The sandbox: what a submission can't reach or take, and that a grade says the same inside it."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from anyio.from_thread import BlockingPortal

from graders.client import Call, Client
from graders.containers.engine import open_engine
from graders.containers.reaper import RUN
from graders.errors import MachineError, SubmissionError
from graders.manifest import load_manifest
from graders.processes import Supervised, run_folder
from graders.sandbox import Level, Sandbox, Workplace, contain, open_sandbox, probes
from graders.sandbox.base import OwnLevel
from graders.sandbox.docker import require_reach
from graders.sandbox.limits import LIMITS
from graders.sandbox.probes import PROBES, Probe, probe
from graders.submission import prepare

LAB = Path(__file__).parent.parent / "labs" / "service"
HUMANIZE = "ce284a76d5b1377fd8836733b983bfb0b76f1aa1c090de2566fcf008d7f6ab16"
FEW = dataclasses.replace(
    LIMITS,
    memory_bytes=256 << 20,
    cpu_s=600,
    processes=32,
    work_bytes=8 << 20,
    work_files=500,
    temporary_bytes=4 << 20,
    shared_memory_bytes=2 << 20,
)


NEEDS = {"bwrap": "allowed", "docker": "docker_allowed"}
EVERY_LEVEL = ("process", *NEEDS)


def require(level: Level, request: pytest.FixtureRequest) -> None:
    """Skip where this machine can't have a level."""
    if level in NEEDS:
        request.getfixturevalue(NEEDS[level])


@pytest.fixture(params=NEEDS)
def level(request: pytest.FixtureRequest) -> OwnLevel:
    require(request.param, request)
    own: OwnLevel = request.param
    return own


@pytest.fixture
def sandbox(level: OwnLevel, sandbox_cache: Path) -> Iterator[Sandbox]:
    with run_folder() as folder, open_sandbox(level, folder, sandbox_cache, FEW) as opened:
        yield opened


@pytest.fixture
def place(sandbox: Sandbox) -> Workplace:
    return sandbox.workplace("submission")


@pytest.fixture
def start(place: Workplace, tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Run Python code, or a command, in the sandbox."""
    started: list[Supervised] = []

    def run(code: str | list[str], **options: Any) -> Supervised:
        command = ["python", "-c", code] if isinstance(code, str) else code
        log = tmp_path / f"{len(started)}.log"
        place.hand_over()
        started.append(place.start(command, options.pop("env", {}), log, **options))
        return started[-1]

    yield run
    for one in started:
        one.stop()


@pytest.fixture
def said(start: Callable[..., Supervised]) -> Callable[..., tuple[str, ...]]:
    """Run something to its end and return what it said."""

    def run(code: str | list[str], **options: Any) -> tuple[str, ...]:
        process = start(code, **options)
        assert process.exit_code(timeout_s=30) == 0, process.log_tail()
        return process.log_tail()

    return run


def test_every_way_out_that_the_probes_know_is_closed(level: OwnLevel, sandbox_cache: Path) -> None:
    found = probe(level, sandbox_cache)
    assert [probe.what for probe in found if not probe.contained] == []
    assert len(found) == PROBES


def test_a_command_sees_its_own_folder_and_nothing_of_people(
    place: Workplace, said: Callable[..., tuple[str, ...]]
) -> None:
    (place.folder / "mine").write_text("hello")
    code = """
import os
print(os.getcwd(), os.listdir("."))
for folder in ("/home", "/root", "/srv", "/mnt", "/media"):
    if os.path.exists(folder) and os.access(folder, os.R_OK):
        print(*os.listdir(folder))
"""
    first, *others = said(code)
    assert first == "/submission ['mine']"
    to_python = {*Path(sys.prefix).parts, *Path(sys.base_prefix).parts}
    assert {name for line in others for name in line.split()} <= to_python


def test_its_own_folder_is_all_it_can_write_to(said: Callable[..., tuple[str, ...]]) -> None:
    code = """
import os
for folder, _, _ in os.walk("/"):
    if not folder.startswith("/proc"):
        try:
            path = os.path.join(folder, "probe")
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            print(folder)
        except OSError:
            pass
"""
    assert set(said(code)) == {"/submission", "/tmp", "/dev/shm"}


def test_what_it_writes_stays_for_the_next_command(
    place: Workplace, said: Callable[..., tuple[str, ...]]
) -> None:
    said("open('kept', 'w').write('so far')")
    assert (place.folder / "kept").read_text() == "so far"
    assert said("print(open('kept').read())") == ("so far",)


def test_it_is_nobody_and_can_become_nobody_else(said: Callable[..., tuple[str, ...]]) -> None:
    wanted = "Cap", "NoNewPrivs", "Seccomp:", "Uid"
    status = said(f"print(*[x for x in open('/proc/self/status') if x.startswith({wanted})])")
    facts = dict(line.strip().split(":\t", 1) for line in status if line)
    assert {facts[one] for one in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert facts["NoNewPrivs"] == "1"
    assert facts["Seccomp"] == "2"
    if os.getuid() == 0:
        assert int(facts["Uid"].split()[0]) >= 61184


def test_two_commands_of_a_submission_see_neither_each_other_nor_the_grader(
    start: Callable[..., Supervised], said: Callable[..., tuple[str, ...]]
) -> None:
    start("import time; time.sleep(60)")
    code = "import os; print(sum(name.isdigit() for name in os.listdir('/proc')))"
    assert said(code) == ("2",)  # process 1 of the sandbox, and the command


@pytest.mark.parametrize(
    ("folder", "limit_bytes"),
    [
        ("/submission", FEW.work_bytes),
        ("/tmp", FEW.temporary_bytes),
        ("/dev/shm", FEW.shared_memory_bytes),
    ],
)
def test_a_folder_holds_no_more_than_its_size(
    said: Callable[..., tuple[str, ...]], folder: str, limit_bytes: int
) -> None:
    code = f"""
import itertools
written = 0
try:
    for number in itertools.count():
        with open(f"{folder}/{{number}}", "wb", buffering=0) as file:
            written += file.write(bytes(1 << 20))
except OSError as error:
    print(written, error.strerror)
"""
    [line] = said(code)
    written, _, reason = line.partition(" ")
    assert reason == "No space left on device"
    assert limit_bytes // 2 < int(written) <= limit_bytes


def test_processes_beyond_the_limit_can_not_be_started(
    said: Callable[..., tuple[str, ...]],
) -> None:
    code = """
import os, signal
children = []
try:
    while len(children) < 1000:
        pid = os.fork()
        if pid == 0:
            signal.pause()
        children.append(pid)
except BlockingIOError:
    print(len(children))
"""
    [count] = said(code)
    assert int(count) < FEW.processes


@pytest.mark.parametrize(
    "code",
    [
        "kept = b'x' * (400 << 20)",
        "import os\nfor _ in range(3): os.fork()\nkept = b'x' * (64 << 20)",
    ],
    ids=["one process", "many processes"],
)
def test_who_takes_too_much_memory_is_ended_and_told(
    sandbox: Sandbox, start: Callable[..., Supervised], code: str
) -> None:
    process = start(code + "\nimport time; time.sleep(60)")
    assert process.exit_code(timeout_s=30) not in (None, 0)
    with pytest.raises(SubmissionError, match="MiB of memory, 256 MiB are allowed"):
        sandbox.require_within_limits()


@pytest.mark.parametrize("level", ["docker"], indirect=True)
def test_more_files_than_are_allowed_can_not_be_made(start: Callable[..., Supervised]) -> None:
    process = start("for n in range(4000): open(f'{n}', 'w')")
    assert process.exit_code(timeout_s=30) == 1
    assert "No space left on device" in process.log_tail()[-1]


@pytest.mark.parametrize("level", ["bwrap"], indirect=True)
def test_who_makes_too_many_files_is_ended_and_told(
    sandbox: Sandbox, start: Callable[..., Supervised]
) -> None:
    code = "for n in range(4000): open(f'{n}', 'w')\nimport time; time.sleep(60)"
    process = start(code)
    assert process.exit_code(timeout_s=30) not in (None, 0)
    with pytest.raises(SubmissionError, match="files, 500 are allowed"):
        sandbox.require_within_limits()


def test_a_container_that_is_no_process_of_this_machine_is_refused(docker_allowed: None) -> None:
    with pytest.raises(MachineError, match="the engine must run on this machine"):
        require_reach(open_engine(), "0" * 64, os.getpid())
    with pytest.raises(MachineError, match="the engine must run on this machine"):
        require_reach(open_engine(), "0" * 64, pid=2**22 + 1)


def test_the_limits_of_one_submission_are_not_those_of_the_reference(
    sandbox: Sandbox, start: Callable[..., Supervised], tmp_path: Path
) -> None:
    hold = "kept = b'x' * (160 << 20)\nopen('held', 'w')\nimport time; time.sleep(60)"
    other = sandbox.workplace("reference")
    other.hand_over()
    with other.start(["python", "-c", hold], {}, tmp_path / "reference.log") as reference:
        first = start(hold)
        assert first.exit_code(timeout_s=2) is None, first.log_tail()
        assert reference.exit_code() is None, reference.log_tail()
        sandbox.require_within_limits()
        assert not (other.folder / "mine").exists()


def test_the_stop_signal_reaches_the_command_itself(start: Callable[..., Supervised]) -> None:
    code = """
import signal, sys, time
def leave(number, frame):
    print("asked to leave", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(60)
"""
    process = start(code, grace_s=20.0)
    wait_for_line(process, "ready")
    process.stop()
    assert process.log_tail() == ("ready", "asked to leave")


def wait_for_line(process: Supervised, line: str) -> None:
    while line not in process.log_tail():
        assert process.exit_code(timeout_s=0.02) is None, process.log_tail()


def test_all_it_started_ends_with_it(start: Callable[..., Supervised]) -> None:
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    time.sleep(600)
print("ready", flush=True)
time.sleep(600)
"""
    process = start(code)
    wait_for_line(process, "ready")
    family = [psutil.Process(pid) for pid in process.process_ids()]
    process.kill()
    gone, alive = psutil.wait_procs(family, timeout=20)
    assert len(gone) >= 3
    assert not alive


def test_the_grader_speaks_with_a_service_on_the_inner_network(
    sandbox: Sandbox, start: Callable[..., Supervised], portal: BlockingPortal
) -> None:
    port = sandbox.network.free_port()
    server = start(["python", "-m", "http.server", str(port), "--bind", "127.0.0.1"])
    client = Client(portal, sandbox.network)
    try:
        answer = client.try_send(f"http://127.0.0.1:{port}", Call("GET", "/"), 5)
        while answer.status != 200:
            assert server.exit_code(timeout_s=0.05) is None, server.log_tail()
            answer = client.try_send(f"http://127.0.0.1:{port}", Call("GET", "/"), 5)
        here = subprocess.run(["curl", "-s", "-m", "2", f"http://127.0.0.1:{port}/"])
        assert here.returncode != 0  # nobody listens there on the outer one
    finally:
        client.close()


def test_the_only_way_of_its_network_leads_to_itself(said: Callable[..., tuple[str, ...]]) -> None:
    assert said("import socket; print(socket.if_nameindex())") == ("[(1, 'lo')]",)


def test_files_it_is_given_to_read_are_there_and_read_only(
    said: Callable[..., tuple[str, ...]], tmp_path: Path
) -> None:
    given = tmp_path / "links.csv"
    given.write_text("a,b")
    code = f"""
print(open({str(given)!r}).read())
try:
    open({str(given)!r}, "w")
except OSError as error:
    print(error.strerror)
"""
    assert said(code, reads=[given]) == ("a,b", "Read-only file system")


def test_passwords_are_not_on_the_command_line(start: Callable[..., Supervised]) -> None:
    process = start("import time; time.sleep(60)", env={"DATABASE_URL": "postgres://u:geheim@h"})
    lines = [" ".join(psutil.Process(pid).cmdline()) for pid in process.process_ids()]
    assert lines
    assert not [line for line in lines if "geheim" in line]


@pytest.mark.parametrize("level", ["bwrap"], indirect=True)
def test_its_environment_has_no_say_before_rights_are_given_up(
    place: Workplace, said: Callable[..., tuple[str, ...]]
) -> None:
    programs = place.folder / "bin"
    programs.mkdir()
    for name in ("bwrap", "setpriv", "prlimit", "sh", "nsenter"):
        (programs / name).write_text("#!/bin/sh\necho taken over")
        (programs / name).chmod(0o755)
    env = {
        "PATH": "/submission/bin:/usr/bin",
        "LD_PRELOAD": "/submission/none.so",
        "A": "'; x $(id)",
    }
    lines = said(["/bin/sh", "-c", 'echo "$A"; setpriv'], env=env)
    preloading = [line for line in lines if "/submission/none.so" in line]
    others = [line for line in lines if line not in preloading]
    assert others == ["'; x $(id)", "taken over"]  # its own PATH rules from there on
    assert len(preloading) == 2  # the two shells of the submission, nothing before them


def test_nothing_is_left_of_a_sandbox(level: OwnLevel, sandbox_cache: Path) -> None:
    mounts = Path("/proc/self/mounts").read_text()
    with run_folder() as folder, open_sandbox(level, folder, sandbox_cache, FEW):
        ours = psutil.Process().children(recursive=True)
        holders = [one for one in ours if "holder.py" in " ".join(one.cmdline())]
        assert holders
        assert level == "bwrap" or on_the_engine()
    assert not [one for one in holders if one.is_running()]
    assert not folder.exists()
    assert Path("/proc/self/mounts").read_text() == mounts
    assert level == "bwrap" or on_the_engine() == []


def on_the_engine() -> list[str]:
    """List what grades have on the engine now."""
    client, only = open_engine().client, {"label": RUN}
    containers = client.containers.list(all=True, filters=only)
    volumes, images = client.volumes.list(filters=only), client.images.list(filters=only)
    return [str(one) for one in (*containers, *volumes, *images)]


def test_a_grade_says_the_same_in_the_sandbox(level: OwnLevel, kit: Any) -> None:
    outcomes = []
    for chosen in ("process", level):
        options = ("--no-load", "--sandbox", chosen)
        done = kit.grade("service", "solutions/cached", *options)
        assert done.code == 0, done.output
        assert done.report["machine"]["sandbox"].startswith(chosen)
        outcomes.append([(one["id"], one["outcome"]) for one in done.report["requirements"]])
    assert outcomes[0] == outcomes[1]


def test_a_stranger_is_never_graded_at_level_process_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert contain("auto", untrusted=False, cache=tmp_path).level == "process"
    assert contain("process", untrusted=True, cache=tmp_path).level == "process"
    leaky = (Probe("read the grader's files", False, "it worked"),)
    monkeypatch.setattr("graders.sandbox.choice.probes_of_this_boot", lambda _level, _cache: leaky)
    with pytest.raises(MachineError, match="read the grader's files: it worked"):
        contain("auto", untrusted=True, cache=tmp_path)


def test_a_missing_program_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(MachineError, match="needs the program bwrap") as failure:
        probe("bwrap", tmp_path)
    assert "apt install bubblewrap" in failure.value.next_step


def test_where_namespaces_are_forbidden_the_host_s_settings_are_named(allowed: None) -> None:
    said = "bwrap: setting up uid map: Permission denied"
    assert "kernel.apparmor_restrict_unprivileged_userns=0" in probes.allow(said)


@pytest.fixture(params=EVERY_LEVEL)
def build(
    request: pytest.FixtureRequest, cache: Path, sandbox_cache: Path, tmp_path: Path
) -> Iterator[Callable[..., str]]:
    """Prepare a submission with this requirements.txt; what Python code says when it is built."""
    require(request.param, request)
    source = tmp_path / "source"
    shutil.copytree(LAB / "solutions" / "cached", source)
    with run_folder() as folder, open_sandbox(request.param, folder, sandbox_cache) as opened:

        def prepare_it(requirements: str, code: str = "") -> str:
            (source / "requirements.txt").write_text(requirements)
            with (source / "submission.toml").open("a") as file:
                file.write(f"\nbuild = {json.dumps(['python', '-c', code])}\n")
            prepare(source, LAB, load_manifest(LAB), opened.workplace("submission"), folder, cache)
            return (folder / "submission-build.log").read_text()

        yield prepare_it


def test_what_requirements_txt_names_is_there_for_python(build: Callable[..., str]) -> None:
    said = build(
        f"# one tool\nhumanize == 4.9.0 ; python_version > '3' \\\n  --hash=sha256:{HUMANIZE}\n",
        "import humanize; print(humanize.__version__, humanize.__file__)",
    )
    assert said.startswith("4.9.0 ")
    assert "/.packages/humanize/" in said


def test_a_package_of_another_hash_is_refused(build: Callable[..., str]) -> None:
    with pytest.raises(SubmissionError, match=r"Installing what requirements.txt names failed"):
        build(f"humanize==4.9.0 --hash=sha256:{HUMANIZE[::-1]}")


@pytest.mark.parametrize(
    "line",
    [
        "-i http://127.0.0.1:1/simple",
        "-r /etc/passwd",
        "-e .",
        "./here",
        "thing @ http://127.0.0.1:1/thing.whl",
        "thing @ file:///etc/passwd",
        "https://example.com/thing.whl",
        "not a name",
    ],
)
def test_a_requirement_that_is_no_name_is_refused(line: str, build: Callable[..., str]) -> None:
    with pytest.raises(
        SubmissionError, match=r"requirements.txt, line 2: expected a package"
    ) as one:
        build(f"humanize\n{line}")
    assert line in one.value.problem


def test_a_package_that_does_not_exist_is_the_learners_fault(
    build: Callable[..., str],
) -> None:
    with pytest.raises(SubmissionError, match="Installing what requirements") as one:
        build("no-such-package-of-that-name-1234")
    assert "no-such-package-of-that-name-1234" in "\n".join(one.value.log)
