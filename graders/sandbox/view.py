"""What a command in the sandbox sees of the machine, as options of bubblewrap."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from graders.sandbox.limits import Limits

SYSTEM = ("/usr", "/opt")
LINKED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
FROM_ETC = (
    *("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone"),
    *("mime.types", "nsswitch.conf", "protocols", "services", "ssl", "ca-certificates"),
    *("java-17-openjdk", "java-21-openjdk", "passwd", "group"),
)
KIT = Path(__file__).parents[2]
OWN = (Path("/"), Path("/tmp"), Path("/usr"))  # there already, or made with their size


def system() -> list[str]:
    """Return the options that show the system and Python, read-only, and nothing else."""
    python = [Path(sys.prefix), Path(sys.base_prefix)]
    python += [Path(one) for one in os.environ.get("LAB_SANDBOX_READ", "").split(":") if one]
    options = [*_shown([Path(one) for one in SYSTEM]), *_hidden(), *_shown(python)]
    options += ["--perms", "0755", "--dir", "/etc"]
    for name in LINKED:
        if Path(name).is_symlink():
            options += ["--symlink", str(Path(name).readlink()), name]
        else:
            options += ["--ro-bind-try", name, name]
    for name in FROM_ETC:
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return options


def _shown(folders: Iterable[Path]) -> list[str]:
    options = parents(folders)
    for folder in folders:
        options += ["--ro-bind-try", str(folder), str(folder)]
    return options


def _hidden() -> list[str]:
    """Return the options that hide kits which lie among the programs of the system."""
    kits = {one for one in (Path.cwd(), KIT) if (one / "labs").is_dir()}
    among = [one for one in kits if any(one.is_relative_to(place) for place in SYSTEM)]
    return [word for one in among for word in ("--perms", "0755", "--tmpfs", str(one))]


def private(limits: Limits, *, is_root: bool) -> list[str]:
    """Return the options for what each command has of its own."""
    options = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if not is_root:
        options.insert(0, "--unshare-user")
    options += ["--die-with-parent", "--hostname", "lab", "--clearenv", "--seccomp", "9"]
    options += ["--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev"]
    if is_root:
        options += [word for one in ("SETUID", "SETGID", "SETPCAP") for word in _keep(one)]
    for place, size_bytes in (
        ("/dev/shm", limits.shared_memory_bytes),
        ("/tmp", limits.temporary_bytes),
    ):
        options += ["--perms", "1777", "--size", str(size_bytes), "--tmpfs", place]
    return [*options, "--remount-ro", "/dev"]


def parents(paths: Iterable[Path]) -> list[str]:
    """Return the options that make the folders above some paths, for everyone to pass through."""
    folders = dict.fromkeys(one for path in paths for one in reversed(path.parents))
    return [
        word for one in folders if one not in OWN for word in ("--perms", "0755", "--dir", str(one))
    ]


def _keep(capability: str) -> tuple[str, str]:
    return ("--cap-add", f"CAP_{capability}")
