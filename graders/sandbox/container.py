"""How containers of a run are made: no way out, and no more than the limits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.types import LogConfig, Ulimit

from graders.containers.engine import Engine
from graders.sandbox.limits import Limits
from graders.sandbox.seccomp import docker_profile

Binds = dict[str, dict[str, str]]
ROOM = "rw,exec,nosuid,nodev,mode=1777,size={size_bytes}"


def contained(engine: Engine, image: str, limits: Limits) -> dict[str, Any]:
    """Return the options of a container of an image, as the engine's client takes them."""
    total_bytes = memory_and_files_bytes(limits)
    # The folders for which an image asks for volumes are sized, too: a volume has no limit.
    places = {"/tmp", *engine.volumes(image)}
    return {
        "image": image,
        "entrypoint": [],
        "init": True,
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges", f"seccomp={docker_profile()}"],
        "ipc_mode": "private",
        "mem_limit": total_bytes,
        "memswap_limit": total_bytes,
        "pids_limit": limits.processes,
        "shm_size": limits.shared_memory_bytes,
        "tmpfs": dict.fromkeys(places, ROOM.format(size_bytes=limits.temporary_bytes)),
        "ulimits": [Ulimit(name=name, soft=most, hard=most) for name, most in _most(limits)],
        "log_config": LogConfig(type="none"),  # the guard writes it, and caps it
    }


def _most(limits: Limits) -> Sequence[tuple[str, int]]:
    return (
        ("nofile", limits.open_files),
        ("cpu", limits.cpu_s),
        ("fsize", limits.work_bytes),
        ("core", 0),
        ("msgqueue", 0),  # memory that no other limit would see
    )


def memory_and_files_bytes(limits: Limits) -> int:
    """Return what the kernel enforces for one container: memory, and files that lie in memory."""
    files_bytes = limits.temporary_bytes + limits.shared_memory_bytes + limits.work_bytes
    return limits.memory_bytes + files_bytes


def sized_folder(limits: Limits) -> Mapping[str, str]:
    """Return the options of a volume that holds no more than a submission's folder may."""
    options = f"size={limits.work_bytes},nr_inodes={limits.work_files},mode=0755,nosuid,nodev"
    return {"type": "tmpfs", "device": "tmpfs", "o": options}


def shown(paths: Sequence[Path], mode: str) -> Binds:
    """Return the mounts that show files and folders under their own paths."""
    return {str(path): {"bind": str(path), "mode": mode} for path in paths if path.exists()}


def mounted(volume: str, at: Path) -> Binds:
    """Return the mount of a volume; what the image has there has no say in who owns it."""
    return {volume: {"bind": str(at), "mode": "rw,nocopy"}}
