"""Which level a submission is run at, and what this machine allows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graders.errors import MachineError
from graders.sandbox.base import Level, Sandbox
from graders.sandbox.bwrap import BwrapSandbox
from graders.sandbox.probes import Probe, allow, probes_of_this_boot
from graders.sandbox.process import ProcessSandbox

SandboxWish = Literal["auto", "bwrap", "process"]


@dataclass(frozen=True)
class Containment:
    """The level of a run, and what was tried to find out whether it holds on this machine."""

    level: Level = "process"
    probes: tuple[Probe, ...] = ()

    @property
    def sentence(self) -> str:
        """What a report says of it."""
        if not self.probes:
            return f"{self.level}: for code one trusts"
        closed = ", ".join(probe.what for probe in self.probes)
        return f"{self.level}: {len(self.probes)} ways out tried, all closed ({closed})"


def contain(wish: SandboxWish, *, untrusted: bool, cache: Path) -> Containment:
    """Return the level to grade at; MachineError if it can't be had here.

    A stranger's submission is never run at level `process` unless that was asked for by name.
    """
    if wish == "process" or (wish == "auto" and not untrusted):
        return Containment()
    probes = probes_of_this_boot(cache)
    if escaped := [probe for probe in probes if not probe.contained]:
        found = "; ".join(f"{probe.what}: {probe.found}" for probe in escaped)
        raise MachineError(
            f"On this machine the sandbox does not hold: {found}.", allow(escaped[0].found)
        )
    return Containment("bwrap", probes)


@contextmanager
def open_sandbox(level: Level, folder: Path) -> Iterator[Sandbox]:
    """Open one run's sandbox in its temporary folder; it is gone on leaving."""
    if level == "process":
        yield ProcessSandbox(folder)
        return
    sandbox = BwrapSandbox(folder)
    try:
        yield sandbox
    finally:
        sandbox.close()
