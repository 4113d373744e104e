"""System calls that Python has no words for, used by attacks and by the canaries they look for.

x86-64 and AArch64 numbers; OSError says what the kernel refused.
"""

import ctypes
import os
import platform

ARM = platform.machine() == "aarch64"
NUMBERS = {
    "add_key": (248, 217),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "process_vm_readv": (310, 270),
    "pidfd_getfd": (438, 438),
}
LIBC = ctypes.CDLL(None, use_errno=True)
USER_KEYRING = -4
KEYCTL_UNLINK, KEYCTL_READ, KEYCTL_SEARCH = 9, 11, 10
MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, MAP_GET_FD_BY_ID, GET_INFO = 0, 1, 2, 14, 15
MAP_VALUE_BYTES = 64
CLONE_FS, CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x200, 0x20000, 0x10000000, 0x40000000


def checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def call(name: str, *arguments: object) -> int:
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return checked(LIBC.syscall(ctypes.c_long(NUMBERS[name][ARM]), *words))


def add_key(name: str, secret: str) -> int:
    return call("add_key", b"user", name.encode(), secret.encode(), len(secret), USER_KEYRING)


def read_key(name: str) -> str:
    key = call("keyctl", KEYCTL_SEARCH, USER_KEYRING, b"user", name.encode(), 0)
    buffer = ctypes.create_string_buffer(256)
    size = call("keyctl", KEYCTL_READ, key, buffer, 256)
    return buffer.raw[:size].decode()


def forget_key(key: int) -> None:
    call("keyctl", KEYCTL_UNLINK, key, USER_KEYRING)


def _words(*numbers: int, size: int = 4) -> ctypes.Array:
    raw = b"".join(one.to_bytes(size, "little") for one in numbers)
    return ctypes.create_string_buffer(raw.ljust(72, b"\0"), 72)


def _element(map_fd: int, value: ctypes.Array) -> tuple[ctypes.Array, ctypes.Array]:
    key = ctypes.create_string_buffer(4)
    return _words(map_fd, ctypes.addressof(key), ctypes.addressof(value), 0, size=8), key


def make_map(secret: str) -> tuple[int, int]:
    """Keep a secret in a map of the kernel; return its file descriptor and its number."""
    map_fd = call("bpf", MAP_CREATE, _words(2, 4, MAP_VALUE_BYTES, 1), 72)
    value = ctypes.create_string_buffer(secret.encode(), MAP_VALUE_BYTES)
    attributes, key = _element(map_fd, value)
    call("bpf", MAP_UPDATE, attributes, 72)
    del key
    info = ctypes.create_string_buffer(64)
    pointer = ctypes.addressof(info).to_bytes(8, "little")
    question = map_fd.to_bytes(4, "little") + (64).to_bytes(4, "little") + pointer
    call("bpf", GET_INFO, ctypes.create_string_buffer(question, 72), 72)
    return map_fd, int.from_bytes(info.raw[4:8], "little")


def read_map(number: int) -> str:
    """Return the first value of a map of the kernel that somebody else has made."""
    map_fd = call("bpf", MAP_GET_FD_BY_ID, _words(number), 72)
    value = ctypes.create_string_buffer(MAP_VALUE_BYTES)
    attributes, key = _element(map_fd, value)
    call("bpf", MAP_LOOKUP, attributes, 72)
    del key
    os.close(map_fd)
    return value.value.decode()


def count_cycles_of(pid: int) -> int:
    """Open a performance counter on a process; return its file descriptor."""
    attributes = ctypes.create_string_buffer(
        (1).to_bytes(4, "little") + (112).to_bytes(4, "little"), 112
    )
    return call("perf_event_open", attributes, pid, -1, -1, 0)


def unshare(flags: int) -> None:
    checked(LIBC.unshare(flags))


def setns(descriptor: int) -> None:
    checked(LIBC.setns(descriptor, 0))


def mount(kind: str, where: str, options: str) -> None:
    checked(LIBC.mount(b"attack", where.encode(), kind.encode(), 0, options.encode()))


def open_file_of(pid: int, descriptor: int) -> int:
    """Take an open file away from another process."""
    return call("pidfd_getfd", os.pidfd_open(pid), descriptor, 0)


def read_memory(pid: int, address: int, size: int) -> bytes:
    """Read another process's memory."""
    buffer = ctypes.create_string_buffer(size)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), size)
    remote = (ctypes.c_size_t * 2)(address, size)
    got = call("process_vm_readv", pid, local, 1, remote, 1, 0)
    return buffer.raw[:got]
