"""The system calls that no submission has a use for, and an escape often needs."""

import contextlib
import errno
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graders.errors import MachineError

DENIED = (
    # other processes, and what the kernel keeps for them
    *("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd"),
    *("add_key", "request_key", "keyctl"),
    # mounts and namespaces
    *("mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "open_tree", "move_mount"),
    *("fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at"),
    *("name_to_handle_at", "quotactl", "quotactl_fd", "swapon", "swapoff", "acct"),
    # the machine itself
    *("reboot", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module"),
    *("iopl", "ioperm", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex"),
    *("sethostname", "setdomainname", "bpf", "perf_event_open", "userfaultfd", "lookup_dcookie"),
    *("fanotify_init", "vhangup", "personality"),
    # memory that belongs to no process, which no limit would see
    *("shmget", "memfd_secret"),
)
MISSING = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_create")
NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
TIME_NAMESPACE = 0x00000080
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
UNIX, INET, INET6, NETLINK = 1, 2, 10, 16


REFUSED_REQUESTS = (TIOCSTI, TIOCLINUX)
REFUSED_FAMILIES = tuple(set(range(NETLINK)) - {UNIX, INET, INET6})


def docker_profile() -> str:
    """Return the same filter as the JSON that a Docker engine takes as a seccomp profile."""
    rules = [_rule(DENIED), _rule(MISSING, code=errno.ENOSYS)]
    for flag in (*NAMESPACES, TIME_NAMESPACE):
        rules.append(_rule(("clone",), (0, "SCMP_CMP_MASKED_EQ", flag, flag)))
    for request in REFUSED_REQUESTS:
        rules.append(_rule(("ioctl",), (1, "SCMP_CMP_MASKED_EQ", 0xFFFFFFFF, request)))
    for family in REFUSED_FAMILIES:
        rules.append(_rule(("socket",), (0, "SCMP_CMP_EQ", family, 0)))
    rules.append(_rule(("socket",), (0, "SCMP_CMP_GT", NETLINK, 0)))
    return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules})


def _rule(
    names: Sequence[str],
    argument: tuple[int, str, int, int] | None = None,
    code: int = errno.EPERM,
) -> dict[str, Any]:
    keys = ("index", "op", "value", "valueTwo")
    return {
        "names": names,
        "action": "SCMP_ACT_ERRNO",
        "errnoRet": code,
        "args": [dict(zip(keys, argument, strict=True))] if argument else [],
    }


def write_filter(path: Path) -> Path:
    """Write the filter as the BPF program that `bwrap --seccomp` takes.

    Denied calls fail with EPERM; those in MISSING with ENOSYS, as on a kernel that lacks them, so
    that libraries fall back to what is filtered by its arguments.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError):
        raise MachineError(
            "libseccomp is missing, and without it system calls can't be filtered.",
            "Install it: apt install libseccomp2, dnf install libseccomp.",
        ) from None
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    refuse, lack = seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(errno.ENOSYS)
    for action, names in ((refuse, DENIED), (lack, MISSING)):
        for name in names:
            with contextlib.suppress(ValueError, OSError):  # this architecture never had it
                rules.add_rule(action, name)
    for flag in (*NAMESPACES, TIME_NAMESPACE):
        rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for request in REFUSED_REQUESTS:
        rules.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request))
    for family in REFUSED_FAMILIES:
        rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.EQ, family))
    rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.GT, NETLINK))
    with path.open("wb") as file:
        rules.export_bpf(file)
    return path
