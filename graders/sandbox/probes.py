"""Whether the sandbox holds on this machine, found by trying to get out of it in ten ways."""

import dataclasses
import hashlib
import json
import os
import platform
import secrets
import shutil
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from graders.errors import MachineError
from graders.processes import run_folder
from graders.sandbox.base import OwnLevel, Sandbox
from graders.sandbox.limits import LIMITS
from graders.sandbox.opening import open_sandbox

PROBER = Path(__file__).with_name("prober.py")
PROBES = 10
PROBER_TIMEOUT_S = 20.0
NEEDED = {"bwrap": ("bwrap", "nsenter", "setpriv", "prlimit"), "docker": ("docker", "nsenter")}
PACKAGES = {
    "bwrap": "bubblewrap",
    "docker": "docker.io",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "prlimit": "util-linux",
}
FEW = dataclasses.replace(LIMITS, processes=24, work_bytes=16 << 20)


@dataclass(frozen=True)
class Probe:
    """One way out that was tried from within: what it was, whether it failed, what was seen."""

    what: str
    contained: bool
    found: str


def probes_of_this_boot(level: OwnLevel, cache: Path) -> tuple[Probe, ...]:
    """Return what `probe` found, tried once for each level, user, program and start of the machine.

    Only sandboxes that held are remembered.
    """
    require_parts(level)
    kept = cache / f"sandbox-{level}-{_this_boot(level)}.json"
    if kept.is_file():
        return tuple(Probe(**one) for one in json.loads(kept.read_text()))
    probes = probe(level, cache)
    if all(one.contained for one in probes):
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps([dataclasses.asdict(one) for one in probes]))
        unfinished.rename(kept)
    return probes


def _this_boot(level: OwnLevel) -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    program = Path(shutil.which(NEEDED[level][0]) or "/")
    what = f"{boot} {program} {program.stat().st_mtime_ns} {os.getuid()} {PROBER.read_text()}"
    if level == "docker":
        from graders.containers.engine import open_engine  # slow to import, used by few

        what += open_engine().identity
    return hashlib.sha256(what.encode()).hexdigest()[:16]


def require_parts(level: OwnLevel) -> None:
    """Raise MachineError unless this machine has what a level is made of."""
    if sys.platform != "linux":
        raise MachineError(
            f"The sandbox needs Linux; this is {platform.system()}.",
            "Grade strangers' work on Linux, or use --sandbox process for code you trust.",
        )
    if level == "docker" and os.getuid() != 0:
        raise MachineError(
            "At level docker the grader enters the network of a container, as only root may.",
            "Use --sandbox bwrap, which needs no root; or grade with sudo.",
        )
    for program in NEEDED[level]:
        if not shutil.which(program):
            package = PACKAGES[program]
            raise MachineError(
                f"The sandbox needs the program {program}, which this machine lacks.",
                f"Install {package} (apt install {package}, dnf install {package}), or use "
                "--sandbox process for code you trust.",
            )


def probe(level: OwnLevel, cache: Path) -> tuple[Probe, ...]:
    """Try ten ways out of a sandbox made for that; MachineError if there can be none here."""
    require_parts(level)
    with ExitStack() as stack:
        folder = stack.enter_context(run_folder())
        sandbox = stack.enter_context(open_sandbox(level, folder, cache, FEW))
        said = _try_to_get_out(sandbox, folder, stack)
    probes = tuple(Probe(what, how == "contained", found) for what, how, found in said)
    if len(probes) != PROBES:
        raise MachineError(
            f"No sandbox could be made on this machine: {said[-1][0] if said else 'no word'}.",
            allow(" ".join(one[0] for one in said)),
        )
    return probes


def _try_to_get_out(sandbox: Sandbox, folder: Path, stack: ExitStack) -> list[tuple[str, str, str]]:
    mark = secrets.token_hex(8)
    canary = folder / "canary"
    canary.write_text(mark)
    canary.chmod(0o644)
    tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    unix = stack.enter_context(socket.socket(socket.AF_UNIX))
    unix.bind(f"\0{mark}")
    unix.listen()
    place = sandbox.workplace("submission")
    script = place.folder / "prober.py"
    shutil.copy(PROBER, script)
    place.hand_over()
    command = ["python", "-I", "-S", "prober.py", "--file", str(canary)]
    command += ["--pid", str(os.getpid()), "--port", str(tcp.getsockname()[1]), "--abstract", mark]
    command += ["--work-bytes", str(FEW.work_bytes), "--processes", str(FEW.processes)]
    with place.start(command, {}, folder / "prober.log") as prober:
        prober.exit_code(PROBER_TIMEOUT_S)
    return [_parts(line) for line in prober.log_tail(PROBES + 5)]


def _parts(line: str) -> tuple[str, str, str]:
    what, how, found = (*line.split("\t"), "", "")[:3]
    return what, how, found


def allow(reason: str) -> str:
    """Say how a host that forbids the sandbox can be made to allow it."""
    if "amespace" in reason or "uid map" in reason or "ermi" in reason:
        return (
            "Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 "
            "user.max_user_namespaces=10000, on Ubuntu 24 also "
            "kernel.apparmor_restrict_unprivileged_userns=0; in a container, run it with "
            "--security-opt seccomp=unconfined. Or grade with --sandbox docker, or --sandbox "
            "process for code you trust."
        )
    return "Run `lab doctor`; or use --sandbox process for code you trust."
