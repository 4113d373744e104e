"""How much one submission may take of the machine, at the levels that enforce it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Memory is the sum of all processes (PSS); `work` is what may lie in the submission's folder.

    The services may take `services_memory_bytes`, and `services_disk_bytes` more than at first.
    `cpu_s` is per process, and what all processes together may use within one grade.
    """

    memory_bytes: int = 2 << 30
    cpu_s: int = 1800
    processes: int = 512
    open_files: int = 4096
    work_bytes: int = 1 << 30
    work_files: int = 200_000
    temporary_bytes: int = 256 << 20
    shared_memory_bytes: int = 64 << 20
    services_memory_bytes: int = 2 << 30
    services_disk_bytes: int = 1 << 30


LIMITS = Limits()
